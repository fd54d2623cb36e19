"""The body of a submission, read within bounds on bytes, time and number of values."""

import asyncio
import re

from fastapi import Request

from penstock.errors import Refused
from penstock.jobs.refusals import too_many
from penstock.settings import Http

#: What a form is sent as.
_FORM = "application/x-www-form-urlencoded"


async def read(request: Request, settings: Http) -> bytes:
    """The body, which says that it is JSON, and may be.

    Raises as soon as it is known: Refused 413 above `max_body` bytes, 415 for another media type or an encoded body,
    408 for one that does not come; InvalidRequest above `max_values`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/(.*\+)?json", media_type):
        came = f"the body came as {media_type[:100]!r}" if media_type else "the body came without a media type"
        why = " (curl -d says so unless told otherwise)" if media_type == _FORM else ""
        raise Refused("unsupported_media_type", f"{came}{why}; send the header 'Content-Type: application/json'")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Refused("unsupported_media_type", f"the body came encoded as {encoding[:100]!r}")
    too_large = Refused("body_too_large", f"the body may have {settings.max_body} bytes")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > settings.max_body:
        raise too_large
    body, structure = bytearray(), Structure()
    try:
        async with asyncio.timeout(settings.body_timeout):
            async for chunk in request.stream():
                body += chunk
                if len(body) > settings.max_body:
                    raise too_large
                structure.feed(chunk)
                if structure.values > settings.max_values:
                    raise too_many(f"there may be {settings.max_values} members and items")
    except TimeoutError:
        raise Refused("body_timeout", f"the body was not here after {settings.body_timeout:g} s") from None
    return bytes(body)


class Structure:
    """Counts the values in JSON text that comes in pieces, in a tenth of the time of parsing them.

    Of text that is no JSON the number is meaningless, but not larger than its length.
    """

    def __init__(self) -> None:
        #: Members of objects and items of arrays, and one more for each that is nested.
        self.values = 0
        self._in_string = False
        self._kept = b""

    def feed(self, piece: bytes) -> None:
        piece = self._kept + piece
        whole = piece.rstrip(b"\\")
        # a backslash at the end belongs to what comes, unless it is escaped itself
        self._kept = b"\\" * ((len(piece) - len(whole)) % 2)
        parts = piece[: len(piece) - len(self._kept)].replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        outside = b"".join(parts[self._in_string :: 2])
        self._in_string ^= len(parts) % 2 == 0
        self.values += sum(map(outside.count, (b",", b"[", b"{")))
