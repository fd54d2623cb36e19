"""A client for the steering endpoints: `Steering` for async tests, `BlockingSteering` for scripts."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from penstock.simulator.call import Call, Stats
from penstock.simulator.rule import Fault, Reply

#: The simulator speaks plain HTTP: loading the certificates for each client would take longer than most of its calls.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO_REUSE = httpx.Limits(max_keepalive_connections=0)  # nothing stays open, so closing may be forgotten
_CALLS = TypeAdapter(list[Call])

Found = TypeVar("Found")
#: A member of `penstock.simulator.call.CallQuery`; what is None leaves all calls in.
Query = str | int | float | None


class SteeringError(Exception):
    """The simulator refused a request; the message names the fields."""


class WaitTimeout(TimeoutError):
    """Not enough matching calls in time; the message has those that there were."""


class Steering:
    """Steers a simulator from async code. Use it as a context manager, or just let it go."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, limits=_NO_REUSE, trust_env=False, timeout=30, verify=_NO_CERTIFICATES
        )

    async def rule(
        self,
        *,
        times: int | None = None,
        skip: int = 0,
        reply: Reply | Mapping[str, Any] | None = None,
        fault: Fault | Mapping[str, Any] | None = None,
        **match: str | None,
    ) -> int:
        """Adds a rule behind the others and returns its id; `penstock.simulator.rule` has the members of its parts."""
        given = {"reply": _plain(reply), "fault": _plain(fault)}
        return await self.add({"match": match, "times": times, "skip": skip, **_without_none(given)})

    async def add(self, rule: Mapping[str, Any]) -> int:
        """The same with a rule as JSON."""
        return int((await self._ask("POST", "rules", json=rule))["id"])

    async def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        await self._ask("DELETE", "rules")
        await self._ask("DELETE", "calls")

    async def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        await self._ask("POST", f"release/{name}")

    async def calls(self, **wanted: Query) -> list[Call]:
        """Calls in the order they came."""
        return _CALLS.validate_python(await self._ask("GET", "calls", params=_without_none(wanted)))

    async def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(await self._ask("GET", "stats"))

    async def wait(self, *, count: int = 1, timeout: float = 60, **wanted: Query) -> list[Call]:
        """Returns as soon as `count` calls match. Raises WaitTimeout after `timeout` seconds."""
        params = {"count": count, "timeout": timeout, **_without_none(wanted)}
        found = _CALLS.validate_python(await self._ask("GET", "wait", params=params, timeout=timeout + 10))
        if len(found) < count:
            seen = [f"\n  {one.id} {one.key} of {one.job} {one.status}" for one in (await self.calls())[-20:]]
            raise WaitTimeout(f"only {len(found)} calls match {params}; there are {''.join(seen) or 'none'}")
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self._http.request(method, f"/simulator/{path}", **options)
        if answer.is_error:
            raise SteeringError(f"{method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()


class BlockingSteering:
    """The same for code without an event loop; the simulator must then run elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rule(self, rule: Mapping[str, Any]) -> int:
        return self._run(lambda steering: steering.add(rule))

    def clear(self) -> None:
        self._run(Steering.clear)

    def release(self, name: str) -> None:
        self._run(lambda steering: steering.release(name))

    def wait(self, **wanted: Any) -> list[Call]:
        return self._run(lambda steering: steering.wait(**wanted))

    def _run(self, act: Callable[[Steering], Coroutine[Any, Any, Found]]) -> Found:
        async def acting() -> Found:
            async with Steering(self._url) as steering:
                return await act(steering)

        # asyncio.run would take away the loop that a test has set
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            return loop.run_until_complete(acting())


def _plain(given: BaseModel | Mapping[str, Any] | None) -> Any:
    return given.model_dump(mode="json", by_alias=True, exclude_unset=True) if isinstance(given, BaseModel) else given


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
