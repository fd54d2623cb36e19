"""The console: a page at `/` for who asks for HTML, its files below `/console/`. npm/assets.py has made them."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

_FOLDER = Path(__file__).parent / "console"
#: What the page names: what is in a file, its name says.
_KINDS = (".js", ".css")
#: Nothing from elsewhere, nothing inline, no page around it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

routes = APIRouter(include_in_schema=False)


def page() -> Response:
    """Raises HTTPException, 404, where nothing was built."""
    answer = _file("index.html", "no-cache")
    answer.headers["Vary"] = "Accept"
    return answer


@routes.get("/console/{name}")
async def file(name: str) -> Response:
    return _file(name if name.endswith(_KINDS) else "", "public, max-age=31536000, immutable")


def _file(name: str, kept: str) -> Response:
    path = _FOLDER / name
    # by name: what callers ask for may be no path at all
    if not _FOLDER.is_dir() or path not in _FOLDER.iterdir():
        raise HTTPException(404, "no such file; `make install` makes those of the console")
    return FileResponse(path, headers=_HEADERS | {"Cache-Control": kept})
