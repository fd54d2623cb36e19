"""Values at pointers make one value together: used for what a run has streamed, a snapshot, and a growing document."""

import pytest
from hypothesis import given

from penstock.document import ABSENT, Placed, join, spread
from tests.document.strategies import values


def placed(**values: object) -> Placed:
    placed = Placed()
    for path, value in values.items():
        placed.put("/" + path.replace("_", "/"), value)
    return placed


def test_an_output_is_put_at_its_place_or_spread_over_it() -> None:
    assert spread("/a", {"b": 1}) == {"/a": {"b": 1}}
    assert spread("", {"b": 1, "c/d": 2}) == {"/b": 1, "/c~1d": 2}
    assert spread("/a/", {"b": 1}) == {"/a/b": 1}
    with pytest.raises(ValueError, match="only an object"):
        spread("", "text")


def test_containers_come_from_the_pointers() -> None:
    assert Placed().assembled() == {}
    assert placed(a_0_b=1, a_1_b=2, c=None).assembled() == {"a": [{"b": 1}, {"b": 2}], "c": None}
    assert placed(a_1=1).assembled() == {"a": [None, 1]}
    assert placed(a_01=1).assembled() == {"a": {"01": 1}}


def test_what_is_absent_leaves_nothing_behind() -> None:
    both = placed(a_b=1, a_c=2, d=3)
    assert both.assembled(lambda value: ABSENT if value < 3 else value) == {"d": 3}
    both.remove("/a")
    assert both.is_free("/a")
    assert both.assembled() == {"d": 3}


def test_only_what_is_meant_is_removed() -> None:
    some = placed(a_b=1, a_c=2, d=1)
    some.remove("/a", lambda value: value == 1)
    some.remove("/a/x/y")
    assert some.assembled() == {"a": {"c": 2}, "d": 1}
    some.remove("", lambda value: value == 1)
    assert some.assembled() == {"a": {"c": 2}}


def test_a_place_is_free_if_nothing_is_at_above_or_below_it() -> None:
    some = placed(a_b=None)
    assert [some.is_free(p) for p in ("", "/a", "/a/b", "/a/b/c", "/a/c", "/d")] == [False] * 4 + [True] * 2
    assert Placed().is_free("")


@given(values)
def test_a_value_that_is_taken_apart_is_put_together_again(value: object) -> None:
    whole = Placed()

    def put(p: str, value: object) -> None:
        if not value or not isinstance(value, dict | list):
            whole.put(p, value)
            return
        for token, inner in value.items() if isinstance(value, dict) else enumerate(value):
            put(join(p, token), inner)

    put("", {"x": value})
    assert as_objects(whole.assembled()) == as_objects({"x": value})


def as_objects(value: object) -> object:
    """Without the difference between an array and an object whose names are indices, with None where there are gaps."""
    if isinstance(value, list):
        return as_objects({str(index): inner for index, inner in enumerate(value)}) if value else []
    if isinstance(value, dict):
        return {name: as_objects(inner) for name, inner in value.items() if inner is not None}
    return value
