"""Document: the result as it is known so far, all parts at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.contracts.events import Delta, JobCompleted, PartEnd, PartReset, PartRetract, PartStart, PartValue
from penstock.contracts.usage import Usage
from penstock.document import Document, JsonPieces
from penstock.document.pointer import parse
from tests.document.scenarios import Scenario, scenarios
from tests.document.strategies import chunked, values


def grown(*events: Any) -> Document:
    document = Document()
    for event in events:
        document.apply(event)
    return document


def start(p: str, k: str = "k") -> PartStart:
    return PartStart(k=k, a=1, n=0, p=p)


def delta(p: str, t: str, k: str = "k") -> Delta:
    return Delta(k=k, a=1, n=0, p=p, t=t)


def end(p: str) -> PartEnd:
    return PartEnd(k="k", a=1, n=0, p=p, length=0)


def test_nothing_is_known_of_a_new_document() -> None:
    assert Document().value == {}
    assert grown(start("/title")).value == {}


def test_a_growing_part_is_shown_as_far_as_it_has_come() -> None:
    document = grown(start("/plan"), delta("/plan", '{"tasks":[{"title":"Bui'))
    assert document.value == {"plan": {"tasks": [{"title": "Bui"}]}}
    document.apply(delta("/plan", 'ld"},{"title'))
    assert document.value == {"plan": {"tasks": [{"title": "Build"}, {}]}}
    document.apply(delta("/plan", '":"Test"}],"days":'))
    assert document.value == {"plan": {"tasks": [{"title": "Build"}, {"title": "Test"}]}}
    document.apply(delta("/plan", "12}"))
    assert document.value == {"plan": {"tasks": [{"title": "Build"}, {"title": "Test"}], "days": 12}}


def test_indices_make_an_array_with_gaps_until_they_are_filled() -> None:
    document = grown(PartValue(id="1", p="/rounds/2/draft", t='"three"'))
    assert document.value == {"rounds": [None, None, {"draft": "three"}]}
    document.apply(PartValue(id="2", p="/rounds/0", t='{"draft":"one"}'))
    assert document.value == {"rounds": [{"draft": "one"}, None, {"draft": "three"}]}


def test_a_member_name_of_many_digits_does_not_make_an_endless_array() -> None:
    assert grown(PartValue(id="1", p="/x/4000000000", t="1")).value == {"x": {"4000000000": 1}}


def test_a_reset_forgets_what_its_step_wrote_there() -> None:
    document = grown(
        start("/a", "k"), delta("/a", '"mine"'), start("/b", "other"), delta("/b", '"theirs"', "other"),
        PartReset(k="k", a=2, n=1, p=""),
    )  # fmt: skip
    assert document.value == {"b": "theirs"}
    document.apply(start("/a", "k"))
    document.apply(delta("/a", '"again'))
    assert document.value == {"b": "theirs", "a": "again"}


def test_a_retraction_forgets_what_anyone_wrote_there() -> None:
    document = grown(start("/a/b", "k"), delta("/a/b", '"mine"'), PartValue(id="1", p="/a/c", t="1"), start("/d"))
    document.apply(delta("/d", "true"))
    document.apply(PartRetract(id="2", p="/a"))
    assert document.value == {"d": True}


def test_the_newer_part_wins_where_two_overlap() -> None:
    document = grown(PartValue(id="1", p="/a/b", t="1"), PartValue(id="2", p="/a", t="[]"))
    assert document.value == {"a": []}
    document.apply(PartValue(id="3", p="/a/c", t="2"))
    assert document.value == {"a": {"c": 2}}


def test_the_result_is_the_authority() -> None:
    document = grown(start("/a"), delta("/a", '"dra'))
    assert document.result is None
    document.apply(JobCompleted(id="end", result={"a": "final"}, usage=Usage()))
    assert document.value == document.result == {"a": "final"}


@given(scenarios(retries=True))
def test_when_all_parts_are_whole_so_is_the_value(scenario: Scenario) -> None:
    document = Document()
    for event in scenario.events:
        document.apply(event)
        json.dumps(document.value)
    for p, expected in scenario.streamed.items():
        found = document.value
        for token in parse(p):
            found = found[int(token) if isinstance(found, list) else token]
        assert found == expected
    document.apply(scenario.end)
    assert document.value == scenario.result


def is_part_of(part: Any, whole: Any) -> bool:
    if isinstance(part, str):
        return isinstance(whole, str) and whole.startswith(part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) <= len(whole) and all(map(is_part_of, part, whole))
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and is_part_of(part[name], whole[name]) for name in part)
    return bool(part == whole)


@given(st.data(), values, st.booleans())
def test_a_growing_text_shows_a_growing_part_of_its_value(data: st.DataObject, value: Any, ascii_only: bool) -> None:
    document, pieces = grown(start("/x")), JsonPieces("/x", split_root=False)
    for chunk in data.draw(chunked(json.dumps(value, ensure_ascii=ascii_only))):
        for piece in pieces.feed(chunk):
            document.apply(delta("/x", piece.t))
        if data.draw(st.booleans()) and document.value:
            assert is_part_of(document.value["x"], value)
    for piece in pieces.finish():
        document.apply(delta("/x", piece.t))
    document.apply(end("/x"))
    assert document.value == {"x": value}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{", {}),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a":true', {"a": True}),
        ('["x', ["x"]),
        ('["x\\\\', ["x\\"]),
        ('["x\\ud83d\\ude00', ["x😀"]),
        ('["\\\\u12', ["\\u12"]),
        ("[1,", [1]),
        ("[[", [[]]),
    ],
)
def test_a_text_is_shown_as_if_it_were_closed_here(text: str, shown: object) -> None:
    assert grown(start("/x"), delta("/x", text)).value == {"x": shown}
