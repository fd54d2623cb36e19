"""JsonPieces: the model's JSON, in whatever chunks it comes, becomes parts that can be shown at once."""

import json
import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.document import JsonPieces, Piece
from penstock.document.writing import MAX_DEPTH, MAX_NUMBER
from penstock.errors import OutputInvalid
from tests.document.prefixes import is_json_prefix
from tests.document.strategies import chunked, json_texts, junk


def texts(pieces: list[Piece]) -> dict[str, str]:
    parts: dict[str, str] = {}
    complete: set[str] = set()
    for p, t, last in pieces:
        assert t or (last and p in parts)
        assert p not in complete
        parts[p] = parts.get(p, "") + t
        if last:
            complete.add(p)
    assert complete == parts.keys()
    return parts


def read(chunks: list[str], split_root: bool = False) -> tuple[JsonPieces, list[Piece]]:
    reader = JsonPieces("", split_root)
    pieces = [piece for chunk in chunks for piece in reader.feed(chunk)]
    return reader, pieces + reader.finish()


def test_a_string_streams_as_it_comes() -> None:
    pieces = JsonPieces("/summary", split_root=False)
    assert pieces.feed('"Once upon') == [Piece("/summary", '"Once upon')]
    assert pieces.feed(" a time") == [Piece("/summary", " a time")]
    assert pieces.feed('"') == [Piece("/summary", '"')]
    assert pieces.finish() == [Piece("/summary", "", last=True)]
    assert pieces.value == "Once upon a time"


def test_the_members_of_the_root_become_parts_of_their_own() -> None:
    _, pieces = read(['{"score": 7', ', "tips": ["a", {"b": 1}], "x/y": "z"}'], split_root=True)
    assert pieces == [
        Piece("/score", "7", last=True),
        Piece("/tips", '["a",{"b":1}]', last=True),
        Piece("/x~1y", '"z"', last=True),
    ]


@pytest.mark.parametrize("text", ["[1]", '"{}"', "null", " 1"])
def test_a_root_that_is_split_is_an_object(text: str) -> None:
    """Nothing else is shown at the place that others write at, too."""
    with pytest.raises(OutputInvalid, match="expected an object"):
        read([text], split_root=True)


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [
        (["[1", "0", ",2]"], ["[", "10,2]"]),
        (["[tr", "ue]"], ["[", "true]"]),
        (['"a\\', "n", 'b"'], ['"a', "\\n", 'b"']),
        (['"\\u00', '41"'], ['"', '\\u0041"']),
        (['"\\ud83d', "\\ude00", '"'], ['"', "\\ud83d\\ude00", '"']),
        (['{"na', 'me" ', " : 1}"], ["{", '"name"', ":1}"]),
    ],
)
def test_nothing_is_cut_in_half(chunks: list[str], pieces: list[str]) -> None:
    assert [piece.t for piece in read(chunks)[1]] == [*pieces, ""]


def test_white_space_outside_strings_is_dropped_and_line_separators_are_escaped() -> None:
    reader, pieces = read(['\ufeff\n{ "a" :\t" \u2028\x85" }\r\n'])
    assert texts(pieces) == {"": '{"a":" \\u2028\\u0085"}'}
    assert reader.value == {"a": " \u2028\x85"}


@pytest.mark.parametrize("text", ["```json\n{}\n```\n", "```\n{}```", "```JSON {}", "\n```json{} ``` "])
def test_a_markdown_fence_is_dropped_however_it_is_cut(text: str) -> None:
    assert read([text])[0].value == {}
    assert read(list(text))[0].value == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the text is empty"),
        ("Sure! {}", "at character 0, at the root: expected a JSON value, found 'Sure! {}'"),
        ('{"a": {"b": [1, tru3]}}', "at character 16, at /a/b/1: expected a JSON value, found 'tru3]}}'"),
        ('{"a": 1, }', "expected a member name in double quotes, found '}'"),
        ("{'a': 1}", "expected a member name in double quotes"),
        ("[1, 2", "ends too early: in an unfinished value at /1"),
        ('{"a": "x', "ends too early: in an unfinished string at /a"),
        ("[01]", "at character 1"),
        ("[1.]", "at character 1"),
        ("[1e999]", "too large"),
        ("[NaN]", "expected a JSON value"),
        ("[Infinity]", "expected a JSON value"),
        ("[-Infinity]", "expected a JSON value"),
        ("[" + "7" * (MAX_NUMBER + 1), "digits"),
        ("[" * (MAX_DEPTH + 1), "levels of nesting"),
        ('{"a": 1, "\\u0061": 2}', "duplicate member name 'a'"),
        ('{"\\ud800": 2}', "a valid escape"),
        ('"\\ud83dx"', "a valid escape"),
        ('"\\ude00"', "a valid escape"),
        ('"a\nb"', "control characters"),
        ('"\\x41"', "a valid escape"),
        ('"\\u12G4"', "a valid escape"),
        ("{} {}", "nothing after the JSON value"),
        ("{}```", "nothing after the JSON value"),
        ("```json\n{}``", "too early"),
        ("```json\n{}`` `", "nothing after the JSON value"),
        ("1 2", "nothing after"),
    ],
)
def test_the_refusal_says_where_and_what(text: str, says: str) -> None:
    for chunks in ([text], list(text)):
        with pytest.raises(OutputInvalid) as refused:
            read(chunks)
        if chunks == [text]:
            assert says in refused.value.detail


def test_what_a_piece_of_a_string_costs_does_not_grow_with_the_string() -> None:
    """No piece has the text so far copied: that would take more memory than the piece has."""
    pieces = JsonPieces("", split_root=False)
    pieces.feed('{"text": "' + "a" * 1_000_000)
    tracemalloc.start()
    try:
        for _ in range(10):
            pieces.feed("a" * 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    assert len(pieces.value["text"]) == 1_000_200


def test_a_model_that_does_not_stop_is_stopped() -> None:
    pieces = JsonPieces("", split_root=False, max_length=10)
    with pytest.raises(OutputInvalid, match="longer than 10 characters"):
        pieces.feed(" " * 11)


@given(st.data(), json_texts, st.booleans())
def test_any_json_in_any_chunks_is_read_as_json_loads_reads_it(
    data: st.DataObject, text: str, split_root: bool
) -> None:
    split_root = split_root and isinstance(json.loads(text), dict)
    reader, pieces = read(data.draw(chunked(text)), split_root)
    assert reader.value == json.loads(text)
    parts = texts(pieces)
    if split_root:
        assert {p: json.loads(t) for p, t in parts.items()} == {
            "/" + name.replace("~", "~0").replace("/", "~1"): value for name, value in reader.value.items()
        }
    else:
        assert json.loads(parts[""]) == reader.value


def strictly(text: str) -> Any:
    """What the standard library makes of it, with what we refuse on top."""

    def refuse(token: str) -> None:
        raise ValueError(token)

    def number(token: str) -> Any:
        if not math.isfinite(float(token)) or len(token) > MAX_NUMBER:
            refuse(token)
        return json.loads(token)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            refuse("member names")
        return dict(pairs)

    text = text.removeprefix("\ufeff")
    value = json.loads(text, parse_constant=refuse, parse_float=number, parse_int=number, object_pairs_hook=unique)
    json.dumps(value, ensure_ascii=False).encode()  # not possible with half a surrogate pair
    return value


@given(st.data(), junk)
def test_junk_is_refused_exactly_when_it_is_no_json(data: st.DataObject, text: str) -> None:
    chunks = data.draw(chunked(text))
    try:
        expected: tuple[Any, ...] = (strictly(text),)
    except (ValueError, RecursionError):
        expected = ()
    pieces, shown = JsonPieces("", split_root=False), ""
    try:
        for chunk in chunks:
            shown += "".join(piece.t for piece in pieces.feed(chunk))
            assert is_json_prefix(shown)
        pieces.finish()
    except OutputInvalid:
        assert not expected
        assert is_json_prefix(shown)
    else:
        assert expected == (pieces.value,)
