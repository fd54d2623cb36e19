"""Given the beginning of a JSON text and the value it should have become: the rest of the text."""

import json
from typing import Any

from penstock.document import strings
from penstock.errors import Diverged

_decode = json.JSONDecoder().raw_decode


def dump(value: Any) -> str:
    """`value` as compact JSON text that is safe wherever it may go."""
    return strings.escape(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def rest_of(sent: str, value: Any) -> str:
    """What makes `sent` a JSON text of `value`. Raises Diverged if nothing does.

    `sent` begins a compact JSON text and does not end inside a name, a number, a literal or an escape.
    """
    try:
        return _rest_of(sent, value)
    except ValueError as error:
        raise Diverged(f"the result is not what was sent: ...{sent[-40:]!r}") from error


def _rest_of(sent: str, value: Any) -> str:
    """Raises ValueError where `sent` has something else."""
    if not sent:
        return dump(value)
    try:
        complete, _ = _decode(sent)
    except ValueError:
        pass
    else:
        if complete == value:
            return ""
        raise ValueError
    if sent[0] == '"' and isinstance(value, str) and value.startswith(begun := json.loads(sent + '"')):
        return strings.write(value[len(begun) :]) + '"'
    if sent[0] == "{" and isinstance(value, dict):
        return _rest_of_container(sent, dict(value), "}")
    if sent[0] == "[" and isinstance(value, list):
        return _rest_of_container(sent, dict(enumerate(value)), "]")
    raise ValueError


def _rest_of_container(sent: str, missing: dict[Any, Any], close: str) -> str:
    """`missing`: all members by name or elements by index; what `sent` has of them is taken out."""
    at, count, separator, rest = 1, 0, "", ""
    while at < len(sent):
        key: Any = count
        if close == "}":
            key, at = _decode(sent, at)
            rest = "" if at < len(sent) else ":"
            at += 1
        if key not in missing:
            raise ValueError
        expected = missing.pop(key)
        count += 1
        try:
            found, at = _decode(sent, at)
        except ValueError:
            rest += _rest_of(sent[at:], expected)
            separator = ","
            break
        if found != expected:
            raise ValueError
        separator = "," if at == len(sent) else ""
        at += 1
        if not separator and at == len(sent) and not missing:
            raise ValueError
    tail = dump(missing if close == "}" else [*missing.values()])[1:]
    return rest + (separator if missing else "") + tail
