"""JSON pointers (RFC 6901): `""` is the whole document, `/tasks/0/title` a place in it.

In a token `~` is written `~0` and `/` is written `~1`; nothing else is escaped.
"""

import re
from functools import lru_cache

_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")


@lru_cache(maxsize=4096)
def parse(p: str) -> tuple[str, ...]:
    """The tokens of `p`, unescaped. Raises ValueError if `p` is no pointer."""
    if _POINTER.fullmatch(p) is None:
        raise ValueError(f"not a JSON pointer: {p!r} (it is empty or starts with '/', and '~' is followed by 0 or 1)")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in p.split("/")[1:])


def join(base: str, token: str | int) -> str:
    """The pointer to the member or element `token` of what `base` points to."""
    return f"{base}/{str(token).replace('~', '~0').replace('/', '~1')}"


def is_at_or_below(p: str, ancestor: str) -> bool:
    """Whether `p` points to what `ancestor` points to, or into it."""
    return p.startswith(ancestor) and (len(p) == len(ancestor) or p[len(ancestor)] == "/")
