"""Two gateways behind a proxy that is set up as in deploy/: streams pass it as they are."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from penstock.patterns.routing.contract import RoutingResult
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.support.reading import json_text, sse
from tests.support.replica import Replica
from tests.support.repository import ROOT
from tests.system.deploy.proxies import in_front_of

QUERY = {"query": "Where is my order?"}
EVENTS = {"Accept": "text/event-stream"}
LATER = {"Prefer": "respond-async"}
#: A proxy's own patience, where nobody says otherwise: nginx's `proxy_read_timeout`.
USUAL = 60.0


@dataclass
class Behind:
    """`http` goes through the proxy `name`."""

    name: str
    http: httpx.AsyncClient
    gateways: list[Replica]

    async def streaming(self) -> list[Replica]:
        """Those that have a stream open, as they say themselves."""
        found = []
        async with httpx.AsyncClient(trust_env=False) as direct:
            for gateway in self.gateways:
                metrics = (await direct.get(f"http://127.0.0.1:{gateway.port}/metrics")).text
                if any(map(float, re.findall(r"^penstock_streams_open\{.*\} (\S+)$", metrics, re.MULTILINE))):
                    found.append(gateway)
        return found


@pytest.fixture(params=["nginx", "caddy"])
async def behind(request: pytest.FixtureRequest, pipeline: Pipeline, tmp_path: Path) -> AsyncIterator[Behind]:
    """Without heartbeats: what stays open does so by the proxy's own setting."""
    gateways = [Replica(), Replica()]
    async with AsyncExitStack() as stack:
        for gateway in gateways:
            stack.push_async_callback(gateway.end)
            await gateway.start(
                pipeline.settings, heartbeat=3600, trusted_proxies="127.0.0.1", rate_limit="3/hour", open="true"
            )
        http = await stack.enter_async_context(in_front_of(request.param, [one.port for one in gateways], tmp_path))
        yield Behind(request.param, http, gateways)


async def test_each_piece_comes_as_it_is_written(pipeline: Pipeline, behind: Behind) -> None:
    """While the model still writes the rest, its first words are there: as JSON text, and as events."""
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    async with json_text(behind.http, "/routing", QUERY) as (job, pieces):
        text = ""
        while '"answeredBy"' not in text:
            text += await anext(pieces)
        events = await sse(behind.http, f"/jobs/{job}/events", until="delta")
        assert events[-1].event == "delta"
        await pipeline.gemini.release("respond")
        RoutingResult.model_validate_json(text + "".join([piece async for piece in pieces]))


async def test_a_reader_goes_on_when_its_gateway_is_killed(pipeline: Pipeline, behind: Behind) -> None:
    """It asks again with the last id it has; the proxy leads it to the other gateway."""
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    job = await pipeline.submit("routing", QUERY)
    begun: list[str] = []
    killed = cut = False
    async with behind.http.stream("GET", f"/jobs/{job}/events", headers=EVENTS) as response:
        try:
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    begun.append(line.removeprefix("id: "))
                if '"k":"respond-1"' in line and not killed:
                    (serving,) = await behind.streaming()
                    await serving.end()
                    killed = True
        except httpx.RemoteProtocolError:
            cut = True
    assert killed
    # what is cut off is not to look like what has ended; Debian's Caddy is too old for that (deploy/Caddyfile)
    assert cut or behind.name == "caddy"
    await pipeline.gemini.release("respond")
    rest = await sse(behind.http, f"/jobs/{job}/events", headers={"Last-Event-ID": begun[-1]})
    whole = await sse(behind.http, f"/jobs/{job}/events")
    assert [*begun, *(event.id for event in rest)] == [event.id for event in whole]
    assert rest[-1].event == "job.completed"


async def test_a_body_may_be_as_long_as_a_gateway_takes(behind: Behind, settings: Settings) -> None:
    """One that is not too long is read, and refused for what it says."""
    json = {"Content-Type": "application/json"}
    for more, status in ((0, 422), (1, 413)):
        body = '{"query": "' + "x" * (settings.max_body - len('{"query": ""}') + more) + '"}'
        assert (await behind.http.post("/routing", content=body, headers=json)).status_code == status


async def test_an_address_is_what_the_proxy_says(behind: Behind) -> None:
    """Callers are told apart by the proxy alone, whatever they claim."""
    answers = [
        await behind.http.post("/routing", json=QUERY, headers={**LATER, "X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


@pytest.mark.long
async def test_a_stream_may_be_silent_for_longer_than_proxies_wait(pipeline: Pipeline, behind: Behind) -> None:
    """Nothing is sent for more than a minute, not even a heartbeat; then the rest comes.

    The model is held before its first piece: between two pieces it has a minute itself.
    """
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond", "hold_before": True})
    async with json_text(behind.http, "/routing", QUERY) as (_, pieces):
        text = ""
        while '"answeredBy"' not in text:
            text += await anext(pieces)
        await asyncio.sleep(USUAL + 5)  # the time itself is what is tested
        await pipeline.gemini.release("respond")
        RoutingResult.model_validate_json(text + "".join([piece async for piece in pieces]))


def test_what_both_files_say_is_what_the_gateway_is_set_to() -> None:
    settings = Settings()
    nginx, caddy = ((ROOT / "deploy" / name).read_text() for name in ("nginx.conf", "Caddyfile"))
    assert f"client_max_body_size {settings.max_body};" in nginx
    for kept in (
        *re.findall(r"^\s+keepalive_timeout (\d+)s;", nginx, re.MULTILINE),
        *re.findall(r"keepalive (\d+)s", caddy),
    ):
        assert int(kept) < settings.idle_timeout
    assert f"client_body_timeout {settings.body_timeout:.0f}s;" in nginx
    assert f"client_header_timeout {settings.header_timeout:.0f}s;" in nginx
    assert f"send_timeout {settings.write_timeout:.0f}s;" in nginx
