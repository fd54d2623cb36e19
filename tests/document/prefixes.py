"""Whether a text can still become JSON: decided by finding something that completes it."""

import json
import re

_COMPLETIONS = ("", "0", '"', "null", '":0', ":0", '"":0')


def is_json_prefix(text: str) -> bool:
    """Whether `text`, which never ends inside an escape or a literal, is the beginning of some JSON text."""
    closers = _closers(text)
    for completion in _COMPLETIONS:
        try:
            json.loads(text + completion + closers)
        except ValueError:
            continue
        return True
    return False


def _closers(text: str) -> str:
    stack = ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"?|[][{}]', text, re.DOTALL):
        if token in ("[", "{"):
            stack += "]" if token == "[" else "}"
        elif token in ("]", "}"):
            stack = stack[:-1]
    return stack[::-1]
