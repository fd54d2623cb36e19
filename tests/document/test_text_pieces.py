"""TextPieces: plain text becomes one JSON string that can be shown as it comes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from penstock.document import End, Piece, Start, TextPieces
from tests.document.strategies import chunked


def test_text_streams_as_an_escaped_string() -> None:
    pieces = TextPieces("/draft")
    assert pieces.feed("") == []
    assert pieces.feed('Say "hi"\n') == [Start("/draft"), Piece("/draft", '"Say \\"hi\\"\\n')]
    assert pieces.feed("\u2028\x85é") == [Piece("/draft", "\\u2028\\u0085é")]
    assert pieces.finish() == [Piece("/draft", '"'), End("/draft", 27)]
    assert pieces.value == 'Say "hi"\n\u2028\x85é'


def test_no_text_is_an_empty_string() -> None:
    assert TextPieces("/x").finish() == [Start("/x"), Piece("/x", '""'), End("/x", 2)]


def test_a_surrogate_pair_is_joined_and_half_of_one_is_replaced() -> None:
    pieces = TextPieces("/x")
    assert pieces.feed("\ud83d") == []
    assert pieces.feed("\ude00\udc00") == [Start("/x"), Piece("/x", '"😀\ufffd')]
    assert pieces.feed("a\ud800") == [Piece("/x", "a")]
    assert pieces.finish() == [Piece("/x", "\ufffd"), Piece("/x", '"'), End("/x", 6)]


@given(st.data(), st.text())
def test_the_pieces_are_one_json_text_of_the_text(data: st.DataObject, text: str) -> None:
    pieces = TextPieces("/x")
    ops = [op for chunk in data.draw(chunked(text)) for op in pieces.feed(chunk)] + pieces.finish()
    ts = [op.t for op in ops if isinstance(op, Piece)]
    assert json.loads("".join(ts)) == text == pieces.value
    assert ops[0] == Start("/x")
    assert ops[-1] == End("/x", sum(map(len, ts)))
