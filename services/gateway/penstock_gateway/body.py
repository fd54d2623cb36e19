"""The body of a request, read within bounds of size and time."""

import asyncio
import re

from fastapi import Request

from penstock.errors import Refused

#: Seconds within which a whole body has to come.
_PATIENCE = 60.0


async def read(request: Request, limit: int) -> bytes:
    """The JSON body.

    Raises Refused: 413 above `limit` bytes (before it is all here), 415 for another media type or an
    encoded body, 408 for one that does not come.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/(.*\+)?json", media_type):
        raise Refused("unsupported_media_type", f"the body came as {media_type[:100]!r}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Refused("unsupported_media_type", f"the body came encoded as {encoding[:100]!r}")
    too_large = Refused("body_too_large", f"the body may have {limit} bytes")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Refused("body_timeout", f"the body was not here after {_PATIENCE:g} s") from None
    return bytes(body)
