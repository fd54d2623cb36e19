"""What pages of other origins may use, where a setting names them (the CORS protocol of the Fetch standard)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

#: Headers of answers that a page could not read otherwise.
_EXPOSED = (
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Job-Id",
    "X-Request-Id",
    "x-vercel-ai-ui-message-stream",
)
#: Seconds for which a browser remembers what it was allowed; none does for longer.
_REMEMBERED = 7_200


def shared_with(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app`, all of whose answers pages of these origins may read, and to which they may send any header.

    Cookies are neither set nor read: a page shows its key in `Authorization`. Without origins it is `app` itself.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "HEAD", "POST", "DELETE"),
        allow_headers=("*",),
        allow_private_network=True,  # a page from elsewhere and a gateway on its reader's machine
        expose_headers=_EXPOSED,
        max_age=_REMEMBERED,
    )
