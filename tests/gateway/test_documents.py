"""What is read before anything is asked: `/` without the console, `/docs`, and where to go for an unknown pattern."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx
import pytest

from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
async def client(bus: Bus, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_gateway(settings.model_copy(update={"console": False})) as gateway:
        yield gateway.http


async def test_the_start_leads_programs_and_people_to_the_same_places(client: httpx.AsyncClient) -> None:
    """JSON unless HTML is asked for; every link of both is served."""
    described = (await client.get("/")).json()
    assert (described["name"], "routing" in described["links"]["patterns"]) == ("penstock", True)
    page = await client.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    links = {*re.findall(r'href="(/[^"]*)"', page.text)} - {"/docs/page.css"}
    patterns = described["links"].pop("patterns").values()
    assert {link.partition("?")[0] for link in links} == {*patterns, *described["links"].values()}
    for link in links:
        assert (await client.get(link)).status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_take_nothing_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    """Every script and style is the gateway's own, and the browser is told to refuse others."""
    page = await client.get(path, headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline", policy)
    assert not re.search(r"<script>|\son\w+=", page.text), "no inline script"
    parts = re.findall(r'(?:src|<link rel="stylesheet" href)="([^"]+)"', page.text)
    assert parts
    for part in parts:
        assert part.startswith("/docs/")
        file = await client.get(urljoin(path, part))
        assert file.status_code == 200, f"{part}: `make install` fetches it"
        assert file.headers["x-content-type-options"] == "nosniff"
        assert re.match(r"text/(css|javascript)", file.headers["content-type"])


async def test_documents_and_health_are_there_for_head_too(client: httpx.AsyncClient) -> None:
    """The headers of the answer to GET, without its body."""
    for path in ("/", "/docs", "/docs/page.css", "/openapi.json", "/asyncapi.json", "/livez", "/readyz", "/metrics"):
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-type"] == (await client.get(path)).headers["content-type"]


async def test_no_other_file_is_served(client: httpx.AsyncClient) -> None:
    for name in ("start.html", "documents.py", "../service.py", "..%2fservice.py", "%2e%2e/service.py", "LICENSE"):
        assert (await client.get(f"/docs/{name}")).status_code == 404, name


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/ruting"), ("GET", "/patterns/ruting"), ("GET", "/ruting/chat-1/stream")]
)
async def test_an_unknown_pattern_is_told_which_there_are(client: httpx.AsyncClient, method: str, path: str) -> None:
    """And which was probably meant, on every route that takes a pattern."""
    refused = await client.request(method, path, json={} if method == "POST" else None)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_pattern")
    detail = refused.json()["detail"]
    assert "did you mean 'routing'?" in detail
    assert "there are evaluator-optimizer, multi-step-tool-usage" in detail
    far = await client.post("/nonsense", json={})
    assert "did you mean" not in far.json()["detail"]
