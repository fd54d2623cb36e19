"""A job with its readers, each of which must have seen its result."""

import asyncio
import json
import time

import httpx

from penstock.client import HttpClient
from penstock.contracts.events import Event
from penstock.contracts.job import Snapshot
from penstock.jobs import new_job_id, submit
from penstock.jobs.follow import Follower
from tests.faults.fault_harness import PATTERNS, checked
from tests.faults.world import World
from tests.support.naming import named


class ReadJob:
    """One job with three readers: over NATS, over HTTP, and as JSON text."""

    def __init__(self, world: World, pattern: str) -> None:
        self.world, self.pattern, self.id = world, pattern, new_job_id()
        self.over_nats: list[Event] = []
        self.over_http: list[Event] = []
        self.text: str | None = None

    async def run(self) -> None:
        body = PATTERNS[self.pattern].example.model_dump_json(by_alias=True, exclude_unset=True).encode()
        await submit(self.world.bus, self.pattern, named(self.id), body)
        self.world.last_job = self.id
        await asyncio.gather(self._follow_over_nats(), self._follow_over_http(), self._read_text())

    async def _follow_over_nats(self) -> None:
        async with Follower(self.world.bus, named(self.id)) as follower:
            async for batch in follower:
                if batch:
                    self.world.heard.events.append(time.time())
                self.over_nats += [one.event for one in batch if not isinstance(one.event, Snapshot)]
        self.world.heard.ends.append(time.time())

    async def _follow_over_http(self) -> None:
        async with HttpClient(",".join(self.world.stack.gateway_urls)) as client, client.follow(self.id) as events:
            self.over_http = [event async for event in events if not isinstance(event, Snapshot)]

    async def _read_text(self) -> None:
        """A reader that cannot resume: it tries again only where it was given nothing."""
        url = f"{self.world.stack.gateway_urls[-1]}/jobs/{self.id}/stream"
        async with httpx.AsyncClient(timeout=300) as http:
            while True:
                try:
                    async with http.stream("GET", url, headers={"Accept": "application/json"}) as answer:
                        if answer.status_code == 200:
                            self.text = (await answer.aread()).decode()
                            return
                except httpx.ConnectError:
                    pass
                except httpx.TransportError as cut:
                    print(f"a reader of {self.pattern} is cut off: {cut!r}")
                    return
                await asyncio.sleep(0.2)

    def check(self) -> bool:
        """Whether its reader of JSON text was cut off. What each of the others saw must add up to the one result.

        They need not have seen the same: a server that is killed forgets its last events, which one of them was shown.
        """
        result = checked(self.over_nats, self.pattern)
        assert checked(self.over_http, self.pattern) == result
        if self.text is not None:
            assert json.loads(self.text) == result
        return self.text is None
