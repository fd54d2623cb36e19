"""TextPieces: plain text becomes one JSON string that can be shown as it comes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from penstock.document import Piece, TextPieces, WordPieces
from penstock.document.strings import Characters
from tests.document.strategies import chunked


def test_text_streams_as_an_escaped_string() -> None:
    pieces = TextPieces("/draft")
    assert pieces.feed("") == []
    assert pieces.feed('Say "hi"\n') == [Piece("/draft", '"Say \\"hi\\"\\n')]
    assert pieces.feed("\u2028\x85é") == [Piece("/draft", "\\u2028\\u0085é")]
    assert pieces.finish() == [Piece("/draft", '"', last=True)]
    assert pieces.value == 'Say "hi"\n\u2028\x85é'


def test_no_text_is_an_empty_string() -> None:
    assert TextPieces("/x").finish() == [Piece("/x", '""', last=True)]


def test_a_surrogate_pair_is_joined_and_half_of_one_is_replaced() -> None:
    characters = Characters()
    assert characters.feed("\ud83d") == ""
    assert characters.feed("\ude00\udc00") == "😀\ufffd"
    assert characters.feed("a\ud800") == "a"
    assert characters.feed("", last=True) == "\ufffd"


@given(st.data(), st.text())
def test_the_pieces_are_one_json_text_of_the_text(data: st.DataObject, text: str) -> None:
    writer = TextPieces("/x")
    pieces = [piece for chunk in data.draw(chunked(text)) for piece in writer.feed(chunk)] + writer.finish()
    written = "".join(piece.t for piece in pieces)
    assert json.loads(written) == text == writer.value
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_words_have_no_white_space_around_them() -> None:
    pieces = WordPieces("/why")
    assert pieces.feed(" \n") == []
    assert pieces.feed("\tSo it") == [Piece("/why", '"So it')]
    assert pieces.feed(" ") == []
    assert pieces.feed("\nis. ") == [Piece("/why", " \\nis.")]
    assert pieces.finish() == [Piece("/why", '"', last=True)]


def test_white_space_alone_is_no_part() -> None:
    pieces = WordPieces("/why")
    assert [*pieces.feed("  "), *pieces.finish()] == []


@given(st.data(), st.text(" \n\x1c\u2003ab"))
def test_words_are_the_text_stripped(data: st.DataObject, text: str) -> None:
    writer = WordPieces("/x")
    pieces = [piece for chunk in data.draw(chunked(text)) for piece in writer.feed(chunk)] + writer.finish()
    written = "".join(piece.t for piece in pieces)
    assert (json.loads(written) if written else "") == text.strip() == writer.value
