"""Shape: the order of the result's members is read off its model."""

from penstock.contracts.wire import Wire, omitted
from penstock.document import Shape


def test_the_shape_is_read_off_the_model() -> None:
    class Leaf(Wire):
        line_number: int
        note: str | None = omitted()
        tags: list[str] = []

    class Tree(Wire):
        leaf: Leaf | None
        children: list["Tree"]
        by_name: dict[str, Leaf]

    shape = Shape.of(Tree)
    assert shape.names == ("leaf", "children", "byName")
    assert shape.at("leaf").names == ("lineNumber", "note", "tags")
    assert shape.at("leaf").nullable
    assert [shape.at("leaf").is_optional(name) for name in shape.at("leaf").names] == [False, True, False]
    assert shape.at("children").kind == "array"
    assert shape.at("children").at("7").at("children").at("0").names == shape.names
    assert shape.at("byName").kind == "object"
    assert shape.at("byName").names == ()
    assert shape.at("byName").at("x").names == ("lineNumber", "note", "tags")
