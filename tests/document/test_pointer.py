"""Pointers name places of the result (RFC 6901)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.document.pointer import is_at_or_below, join, parse


def test_a_pointer_is_made_of_tokens() -> None:
    assert parse("") == ()
    assert parse("/") == ("",)
    assert parse("/tasks/0/a~1b~0c") == ("tasks", "0", "a/b~c")
    assert parse("/~01") == ("~1",)


@pytest.mark.parametrize("p", ["tasks", "a/b", "/~", "/~2", "/a~"])
def test_the_error_names_what_is_no_pointer(p: str) -> None:
    with pytest.raises(ValueError, match="not a JSON pointer: '" + p):
        parse(p)


@given(st.lists(st.text(max_size=4)))
def test_joined_tokens_are_parsed_into_the_same_tokens(tokens: list[str]) -> None:
    p = ""
    for token in tokens:
        p = join(p, token)
    assert parse(p) == tuple(tokens)


def test_below_is_a_matter_of_tokens_not_of_characters() -> None:
    assert is_at_or_below("/a/b", "/a")
    assert is_at_or_below("/a", "/a")
    assert is_at_or_below("/a", "")
    assert not is_at_or_below("/ab", "/a")
    assert not is_at_or_below("/a", "/a/b")
