"""A client for the steering endpoints: `Steering` for async tests, `BlockingSteering` for scripts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import httpx
from pydantic.alias_generators import to_camel

from penstock.simulator.call import Call, Stats
from penstock.simulator.rule import Fault, Reply, Rule

#: The simulator speaks plain HTTP: loading the certificates for each client would take longer than most of its calls.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO_REUSE = httpx.Limits(max_keepalive_connections=0)  # nothing stays open, so closing may be forgotten

Found = TypeVar("Found")
#: A member of `penstock.simulator.call.CallQuery`; what is None leaves all calls in.
Query = str | int | float | None


class SteeringError(Exception):
    """The simulator refused a request; the message names the fields."""


class WaitTimeout(TimeoutError):
    """Not enough matching calls in time; `calls` has those that there were, `seen` all there are."""

    def __init__(self, wanted: str, calls: list[Call], seen: list[Call]) -> None:
        lines = [f"\n  {one.id} step={one.step} job={one.job} {one.status} chunks={one.chunks}" for one in seen[-20:]]
        super().__init__(f"only {len(calls)} calls match {wanted}; the simulator has seen {''.join(lines) or 'none'}")
        self.calls, self.seen = calls, seen


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
        given = {"reply": _json(reply), "fault": _json(fault)}
        return await self.add({"match": _camel(match), "times": times, "skip": skip, **given})

    async def add(self, rule: Rule | Mapping[str, Any]) -> int:
        """The same with a rule that is made already."""
        return int((await self._ask("POST", "rules", json=_json(rule)))["id"])

    async def rules(self) -> list[dict[str, Any]]:
        """The rules in order, each with `id`, `seen` and `hits`."""
        return list((await self._ask("GET", "rules"))["rules"])

    async def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        await self._ask("DELETE", "rules")
        await self._ask("DELETE", "calls")

    async def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        await self._ask("POST", f"release/{name}")

    async def calls(self, **wanted: Query) -> list[Call]:
        """Calls in the order they came."""
        return _calls(await self._ask("GET", "calls", params=_camel(wanted)))

    async def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(await self._ask("GET", "stats"))

    async def wait(self, **wanted: Query) -> list[Call]:
        """Returns as soon as `count` calls (1) match. Raises WaitTimeout after `timeout` seconds (60)."""
        found = await self._ask("GET", "wait", params=_camel(wanted), timeout=float(wanted.get("timeout") or 60) + 10)
        if not found["enough"]:
            named = " ".join(f"{name}={value}" for name, value in wanted.items())
            raise WaitTimeout(named, _calls(found), await self.calls())
        return _calls(found)

    async def aclose(self) -> None:
        """Closes the HTTP client."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self._http.request(method, f"/simulator/{path}", **options)
        if answer.is_error:
            raise SteeringError(f"{method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return answer.json()


class BlockingSteering:
    """The same for code without an event loop; the simulator must then run elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rule(self, rule: Rule | Mapping[str, Any]) -> int:
        return self._run(lambda steering: steering.add(rule))

    def clear(self) -> None:
        self._run(Steering.clear)

    def release(self, name: str) -> None:
        self._run(lambda steering: steering.release(name))

    def calls(self, **wanted: Query) -> list[Call]:
        return self._run(lambda steering: steering.calls(**wanted))

    def stats(self) -> Stats:
        return self._run(Steering.stats)

    def wait(self, **wanted: Query) -> list[Call]:
        return self._run(lambda steering: steering.wait(**wanted))

    def _run(self, act: Callable[[Steering], Coroutine[Any, Any, Found]]) -> Found:
        async def acting() -> Found:
            async with Steering(self._url) as steering:
                return await act(steering)

        loop = asyncio.new_event_loop()  # asyncio.run would take away the loop that a test has set
        try:
            return loop.run_until_complete(acting())
        finally:
            loop.close()


def _json(given: Reply | Fault | Rule | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None or isinstance(given, Mapping):
        return None if given is None else dict(given)
    return given.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _camel(members: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in members.items() if value is not None}


def _calls(answer: dict[str, Any]) -> list[Call]:
    return [Call.model_validate(one) for one in answer["calls"]]
