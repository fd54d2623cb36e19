"""Keys of steps in sub-patterns: `<sub>__<step>`, a token whatever the depth (ADR 17)."""

import hashlib

from penstock.contracts.journal import RESERVED_KEYS
from penstock.contracts.wire import is_token

BETWEEN = "__"
_LONGEST, _HEAD = 64, 40


def fault(key: str) -> str | None:
    """Why an author cannot call a step or a sub-pattern so; None if they can."""
    if not is_token(key):
        return "is not 1 to 64 of A-Z a-z 0-9 _ -"
    if key in RESERVED_KEYS:
        return "is reserved"
    if BETWEEN in f"_{key}_":
        return f"begins or ends with _, or has {BETWEEN} in it, which stands between a sub-pattern and its steps"
    return None


def as_token(key: str) -> str:
    """`key`, or if that is too long for a token its beginning and a digest of all of it."""
    if len(key) <= _LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[: _LONGEST - _HEAD - len(BETWEEN)]
    return f"{key[:_HEAD]}{BETWEEN}{digest}"
