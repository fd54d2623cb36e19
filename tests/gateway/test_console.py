"""The console as the gateway serves it; what it does in a browser is in tests/system/console."""

import gzip
import re

from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer, serving_gateway

BROWSER = {"Accept": "text/html"}
#: Bytes, compressed, of all that the page loads.
LARGEST = 200_000


async def test_browsers_get_the_console_and_programs_links(alone: GatewayServer) -> None:
    page = await alone.http.get("/", headers=BROWSER)
    assert (page.headers["content-type"], page.headers["cache-control"]) == ("text/html; charset=utf-8", "no-cache")
    assert page.headers["vary"] == "Accept"
    assert (await alone.http.get("/")).json()["name"] == "penstock"


async def test_the_page_is_small_and_takes_nothing_from_elsewhere(alone: GatewayServer) -> None:
    """No script or style stands in it, none comes from another origin, and no page may frame it."""
    page = await alone.http.get("/", headers=BROWSER)
    named = re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page.text)
    assert sorted(name.rpartition(".")[2] for name in named) == ["css", "js"]
    size = len(gzip.compress(page.content))
    for name in named:
        assert re.fullmatch(r"/console/main-\w+\.(js|css)", name)
        file = await alone.http.get(name)
        assert file.status_code == 200, f"{name}: `make install` makes it"
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["x-content-type-options"] == "nosniff"
        size += len(gzip.compress(file.content))
    assert size < LARGEST
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert {policy[name] for name in ("default-src", "base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["img-src"] == "'self' data:"
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", page.text)


async def test_no_other_file_is_served(alone: GatewayServer) -> None:
    for name in (
        "VERSION",
        "index.html",
        "..%2fconsole.py",
        "%2e%2e/service.py",
        "preact.LICENSE.txt",
        "main.js",
        "",
        f"{'x' * 5_000}.js",
        "%00.js",
    ):
        assert (await alone.http.get(f"/console/{name}")).status_code == 404, name


async def test_a_setting_turns_it_off(bus: Bus, settings: Settings) -> None:
    async with serving_gateway(settings) as gateway:
        page = await gateway.http.get("/", headers=BROWSER)
        (script,) = re.findall(r'src="([^"]+)"', page.text)
    async with serving_gateway(settings.model_copy(update={"console": False})) as gateway:
        assert script not in (await gateway.http.get("/", headers=BROWSER)).text
        assert (await gateway.http.get(script)).status_code == 404


async def test_what_a_job_was_asked_is_shown(alone: GatewayServer) -> None:
    """Its body, with defaults left out; of no job 404."""
    query = {"query": "Where is my lantern?", "options": {"urgency": "high"}}
    accepted = await alone.http.post("/routing", json=query, headers={"Prefer": "respond-async"})
    shown = await alone.http.get(f"/jobs/{accepted.json()['id']}/request")
    assert (shown.json(), shown.headers["content-type"]) == (query, "application/json")
    none = await alone.http.get("/jobs/none/request")
    assert (none.status_code, none.json()["code"]) == (404, "unknown_job")
