"""Reading a request body, no more of it than is allowed."""

from fastapi import Request

from services.gateway.problems import Refused


async def read(request: Request, limit: int) -> bytes:
    """The JSON body. Raises Refused: 413 above `limit` bytes (before it is all here), 415 for another media type."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Refused(415, "unsupported_media_type", "The body must be JSON", f"the body came as {media_type}")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(
        413, "body_too_large", "The body is too large", f"the body may have {limit} bytes", {"Connection": "close"}
    )
