"""The simulator as tests and benchmarks use it: served in this process, and steered."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import httpx

from penstock.simulator.app import listening, server
from penstock.simulator.wire import Call, Pace, Stats

#: The simulator speaks plain HTTP: loading the certificates for each client would take longer than most of its calls.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO_REUSE = httpx.Limits(max_keepalive_connections=0)  # nothing stays open, so closing may be forgotten


class SteeringError(Exception):
    """The simulator refused a request; the message names the fields."""


class Steering:
    """Steers a simulator, and asks what it was asked. Use it as a context manager, or just let it go.

    Which calls are meant (`wanted`) is said by the members of `penstock.simulator.wire.Match`; None leaves all in.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, limits=_NO_REUSE, trust_env=False, timeout=700, verify=_NO_CERTIFICATES
        )

    async def rule(self, **members: Any) -> None:
        """Adds a rule behind the others, by the members of `penstock.simulator.wire.Rule`."""
        given = {name: value for name, value in members.items() if value is not None}
        body = json.dumps(given, default=lambda part: part.model_dump(mode="json", exclude_unset=True))
        await self._ask("POST", "/rules", content=body)

    async def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        await self._ask("DELETE", "")

    async def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        await self._ask("POST", f"/release/{name}")

    async def calls(self, **wanted: str | float | None) -> list[Call]:
        """Calls in the order they came."""
        given = {name: value for name, value in wanted.items() if value is not None}
        return [Call.model_validate(one) for one in await self._ask("GET", "/calls", params=given)]

    async def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(await self._ask("GET", "/stats"))

    async def wait(self, *, count: int = 1, timeout: float = 60, **wanted: str | float | None) -> list[Call]:
        """Returns as soon as `count` calls match. Raises TimeoutError after `timeout` seconds."""
        found = await self.calls(count=count, timeout=timeout, **wanted)
        if len(found) < count:
            seen = [f"\n  {one.id} {one.key} of {one.job} {one.status}" for one in (await self.calls())[-20:]]
            raise TimeoutError(f"only {len(found)} calls match {wanted}; there are {''.join(seen) or 'none'}")
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self._http.request(method, f"/simulator{path}", **options)
        if answer.is_error:
            raise SteeringError(f"{method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()


class BlockingSteering:
    """The methods of `Steering`, each waited for; the simulator must run elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def asking(*given: Any, **named: Any) -> Any:
            async with Steering(self._url) as steering:
                return await getattr(steering, name)(*given, **named)

        def ask(*given: Any, **named: Any) -> Any:
            # asyncio.run would take away the loop that a test has set
            with contextlib.closing(asyncio.new_event_loop()) as loop:
                return loop.run_until_complete(asking(*given, **named))

        return ask


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Gives the base URL of a simulator without any delay. Who connects before it runs waits for it."""
    listener, url = listening("127.0.0.1", 0)
    running = server(Pace())
    task = asyncio.create_task(running.serve(sockets=[listener]))
    try:
        yield url
    finally:
        running.should_exit = True
        await task
