"""Metrics of the gateway: requests by route, never by job."""

import re

import httpx

from tests.support.gateway_process import GatewayServer
from tests.support.patience import PATIENCE


async def test_requests_are_counted_by_route(gateway: GatewayServer) -> None:
    """Streams, refusals and unknown paths; a job's id and a stranger's guesses make no series of their own."""
    async with httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE) as client:
        for query in ("Where is my order?", "Where is my refund?"):
            await client.post("/routing", json={"query": query})
        await client.post("/routing", json={"query": 5})
        for guess in ("/nothing", "/at/all", "/jobs/unknown"):
            await client.get(guess)
        shown = (await client.get("/metrics")).text
    counted = dict(re.findall(r"penstock_http_requests_total\{(.*)\} (\S+)", shown))
    assert counted['method="POST",route="/routing",status="200"'] == "2.0"
    assert counted['method="POST",route="/routing",status="422"'] == "1.0"
    assert counted['method="GET",route="none",status="404"'] == "2.0"
    assert counted['method="GET",route="/jobs/{job}",status="404"'] == "1.0"
    assert 'penstock_http_first_byte_seconds_count{route="/routing"} 3.0' in shown
