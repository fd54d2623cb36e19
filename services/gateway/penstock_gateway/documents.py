"""The gateway's own documentation, offline: `/` (for browsers without a console), `/docs`, OpenAPI, AsyncAPI."""

from functools import cache, partial
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader
from starlette.exceptions import HTTPException

from penstock.nats_api import asyncapi
from penstock_gateway import console
from penstock_gateway.openapi import FOR_ALL, Version
from penstock_gateway.parameters import prefers
from penstock_gateway.state import Gateway

_FOLDER = Path(__file__).parent
#: Served below `/docs/`: our own, and what npm/assets.py has put there.
_OURS, _SWAGGER_UI = ("docs.js", "page.css"), ("swagger-ui-bundle.js", "swagger-ui.css")
_FILES = dict.fromkeys(_OURS, "pages") | dict.fromkeys(_SWAGGER_UI, "swagger_ui")
#: Nothing from elsewhere. Swagger UI sets styles by script and draws its icons from data URLs.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def install(app: FastAPI, gateway: Gateway) -> None:
    pages = Environment(loader=PackageLoader(__package__, "pages"), autoescape=True, trim_blocks=True)

    openapi = cache(partial(gateway.description.document, app))
    nats = cache(partial(asyncapi.document, gateway.patterns, gateway.settings))
    hidden = partial(app.get, include_in_schema=False)

    @hidden("/")
    async def start(request: Request) -> Response:
        """Where everything is: JSON for programs; for browsers the console, or a page of links."""
        wants_page = prefers(request, "text/html")
        if wants_page and gateway.settings.console:
            return console.page()
        links = {
            "patterns": {name: f"/patterns/{name}" for name in gateway.patterns},
            "jobs": "/jobs",
            "docs": "/docs",
            "openapi": "/openapi.json",
            "asyncapi": "/asyncapi.json",
            "health": "/readyz",
            "metrics": "/metrics",
        }
        described = {"name": "penstock", "version": app.version, "summary": app.summary, "links": links}
        headers = _HEADERS | {"Vary": "Accept"}
        if not wants_page:
            return JSONResponse(described, headers=headers)
        page = pages.get_template("start.html").render(described, patterns=gateway.patterns.values())
        return HTMLResponse(page, headers=headers)

    if gateway.settings.console:
        app.include_router(console.routes)

    @hidden("/docs")
    async def docs() -> Response:
        """Swagger UI."""
        return FileResponse(_FOLDER / "pages" / "docs.html", headers=_HEADERS)

    @hidden("/docs/{name}")
    async def file(name: str) -> Response:
        path = _FOLDER / _FILES.get(name, "") / name
        if name not in _FILES or not path.exists():
            raise HTTPException(404, "no such file; `make install` fetches Swagger UI")
        return FileResponse(path, headers=_HEADERS)

    @hidden("/openapi.json")
    async def shown(version: Annotated[Version, Query()] = "3.2") -> Response:
        return JSONResponse(openapi(version))

    @app.get(
        "/asyncapi.json",
        tags=["nats"],
        summary="The interface over NATS (AsyncAPI)",
        operation_id="asyncapi",
        openapi_extra=FOR_ALL,
    )
    async def asyncapi_shown() -> Response:
        """The AsyncAPI 3.0 document of all subjects: jobs, steps, journal, events, and request-reply."""
        return JSONResponse(nats())
