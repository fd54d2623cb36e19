"""`Idempotency-Key`: the same key is the same job (draft-ietf-httpapi-idempotency-key-header)."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from penstock.contracts.problem import FieldError
from penstock.errors import Refused
from penstock_gateway.problems import invalid_parameter

#: A structured-field string (RFC 9651): quoted, with only quote and backslash escaped.
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]+")


async def _key(
    request: Request,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="The same key with the same body is the same job.")
    ] = None,
) -> str | None:
    """The key, quoted as the draft has it or bare as most send it; None without one. Raises Refused, 400."""
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    text = values[0].strip()
    if len(values) > 1:
        raise _invalid("one key, given once")
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r'\\(["\\])', r"\1", quoted[1])
    elif not _BARE.fullmatch(text):
        raise _invalid('a string of visible ASCII, quoted ("...") or bare without space, comma and "')
    if not 1 <= len(text) <= 255:
        raise _invalid("1 to 255 characters")
    return text


Key = Annotated[str | None, Depends(_key)]


def _invalid(detail: str) -> Refused:
    return invalid_parameter(FieldError(pointer="/header/Idempotency-Key", detail=detail))
