"""Keys of steps in sub-patterns: `<sub>__<step>`, a token whatever the depth (ADR 18)."""

import hashlib
import re

from penstock.contracts.journal import RESERVED_KEYS

BETWEEN = "__"
LONGEST, _HEAD = 64, 40
_FIT = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")


def fault(key: str) -> str | None:
    """Why an author cannot call a step or a sub-pattern so; None if they can."""
    if _FIT.fullmatch(key) is None:
        return (
            f"is not 1 to 64 of A-Z a-z 0-9 - and single _ between them; {BETWEEN} stands between a part and its steps"
        )
    return "is reserved" if key in RESERVED_KEYS else None


def as_token(key: str) -> str:
    """`key`, or if that is too long for a token its beginning and a digest of all of it."""
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[: LONGEST - _HEAD - len(BETWEEN)]
    return f"{key[:_HEAD]}{BETWEEN}{digest}"
