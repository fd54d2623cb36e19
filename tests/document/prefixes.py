"""Whether a text can still become JSON: decided by finding something that completes it."""

import json
import re
from typing import Any

_COMPLETIONS = ("", "0", '"', "null", '":0', ":0", '"":0')


def is_json_prefix(text: str) -> bool:
    """Whether `text`, which never ends inside an escape or a literal, is the beginning of some JSON text."""
    try:
        completed(text)
    except ValueError:
        return False
    return True


def completed(text: str) -> Any:
    """The value of a JSON text that `text` begins. Raises ValueError if it begins none."""
    closers = _closers(text)
    for completion in _COMPLETIONS:
        try:
            return json.loads(text + completion + closers)
        except ValueError:
            continue
    raise ValueError(text)


def _closers(text: str) -> str:
    stack = ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"?|[][{}]', text, re.DOTALL):
        if token in ("[", "{"):
            stack += "]" if token == "[" else "}"
        elif token in ("]", "}"):
            stack = stack[:-1]
    return stack[::-1]
