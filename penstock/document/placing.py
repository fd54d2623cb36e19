"""Values at pointers, and the one JSON value they make together."""

from collections.abc import Callable
from typing import Any

from penstock.document.pointer import join, parse

#: Instead of a value that is to be left out: None is a value.
ABSENT: Any = object()
#: An array is filled with None up to its last index, so a high index alone (a member name of digits) makes none.
_MAX_GAPS = 10_000


def spread(into: str, value: Any) -> dict[str, Any]:
    """`value` by pointer. An `into` that is empty or ends with "/" puts each of its members at a place of its own.

    Raises ValueError if only an object fits and `value` is none.
    """
    if into and not into.endswith("/"):
        return {into: value}
    if not isinstance(value, dict):
        raise ValueError(f"only an object can be spread at {into!r}")
    return {join(into.rstrip("/"), name): member for name, member in value.items()}


def is_index(name: str) -> bool:
    """Whether the token of a pointer can name an element of an array."""
    return name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")


class Branch(dict[str, Any]):
    """What is below a pointer, by token: values and other branches. A class of its own, since values may be dicts."""


class Placed:
    """Values at pointers, none of them at, above or below another: where two overlap, the newer one stands."""

    def __init__(self) -> None:
        self._root = Branch()  # its one member, "", is the document

    def put(self, p: str, value: Any) -> None:
        branch = self._root
        *above, last = ("", *parse(p))
        for token in above:
            below = branch.get(token)
            if not isinstance(below, Branch):
                below = branch[token] = Branch()
            branch = below
        branch[last] = value

    def get(self, p: str) -> Any:
        """The value at `p`; a Branch if there are values below it; ABSENT if there is neither."""
        found: Any = self._root
        for token in ("", *parse(p)):
            found = found.get(token, ABSENT) if isinstance(found, Branch) else ABSENT
        return found

    def is_free(self, p: str) -> bool:
        """Whether there is no value at, above or below `p`."""
        found: Any = self._root
        for token in ("", *parse(p)):
            if not isinstance(found, Branch):
                return False
            found = found.get(token, ABSENT)
            if found is ABSENT:
                return True
        return False

    def remove(self, p: str, which: Callable[[Any], bool] = lambda value: True) -> None:
        """Forget the values at and below `p`, those of them that are meant."""
        _remove(self._root, ("", *parse(p)), which)

    def assembled(self, of: Callable[[Any], Any] = lambda value: value) -> Any:
        """`of` each value (ABSENT leaves it out) at its pointer; `{}` if there are none.

        What is around them is an array where all tokens are indices, with None in its gaps, else an object in the order
        of arrival.
        """
        document = _assembled(self._root.get("", ABSENT), of)
        return {} if document is ABSENT else document


def _remove(branch: Branch, tokens: tuple[str, ...], which: Callable[[Any], bool]) -> None:
    for token in tokens[:1] or tuple(branch):
        below = branch.get(token, ABSENT)
        if isinstance(below, Branch):
            _remove(below, tokens[1:], which)
            if not below:
                del branch[token]
        elif below is not ABSENT and not tokens[1:] and which(below):
            del branch[token]


def _assembled(found: Any, of: Callable[[Any], Any]) -> Any:
    if not isinstance(found, Branch):
        return ABSENT if found is ABSENT else of(found)
    items = {token: value for token, below in found.items() if (value := _assembled(below, of)) is not ABSENT}
    if not items:
        return ABSENT
    if not all(map(is_index, items)):
        return items
    elements = {int(token): value for token, value in items.items()}
    length = max(elements) + 1
    return [elements.get(index) for index in range(length)] if length <= len(items) + _MAX_GAPS else items
