"""A client for the steering endpoints: `Steering` for async tests, `BlockingSteering` for scripts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Self

import httpx

from simulator.call import Call, CallStatus, Stats
from simulator.rule import Fault, Match, Reply, Rule

#: The simulator speaks plain HTTP: loading the certificates for each client would take longer than most of its calls.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NO_REUSE = httpx.Limits(max_keepalive_connections=0)  # nothing stays open, so closing may be forgotten


class SteeringError(Exception):
    """The simulator refused a request; the message names the fields."""


class WaitTimeout(TimeoutError):
    """Not enough matching calls in time; `calls` has those that there were, `seen` all there are."""

    def __init__(self, wanted: str, calls: list[Call], seen: list[Call]) -> None:
        lines = "\n".join(
            f"  {one.id} step={one.step} job={one.job} {one.status} chunks={one.chunks}" for one in seen[-20:]
        )
        super().__init__(f"only {len(calls)} calls match {wanted}; the simulator has seen:\n{lines or '  no calls'}")
        self.calls = calls
        self.seen = seen


class Steering:
    """Steers a simulator from async code. Use it as a context manager, or just let it go."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, limits=_NO_REUSE, trust_env=False, timeout=30, verify=_NO_CERTIFICATES
        )

    async def rule(
        self,
        *,
        step: str | None = None,
        job: str | None = None,
        key: str | None = None,
        model: str | None = None,
        contains: str | None = None,
        schema_property: str | None = None,
        times: int | None = None,
        skip: int = 0,
        reply: Reply | Mapping[str, Any] | None = None,
        fault: Fault | Mapping[str, Any] | None = None,
    ) -> int:
        """Adds a rule behind the others and returns its id; see `simulator.rule` for reply and fault."""
        match = Match(step=step, job=job, key=key, model=model, contains=contains, schema_property=schema_property)
        rule = {"match": _json(match), "times": times, "skip": skip, "reply": _json(reply), "fault": _json(fault)}
        return int((await self._ask("POST", "rules", json=rule)).json()["id"])

    async def rules(self) -> list[dict[str, Any]]:
        """The rules in order, each with `id`, `seen` and `hits`."""
        found: list[dict[str, Any]] = (await self._ask("GET", "rules")).json()["rules"]
        return found

    async def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        await self._ask("DELETE", "rules")
        await self._ask("DELETE", "calls")

    async def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        await self._ask("POST", f"release/{name}")

    async def calls(
        self, *, job: str | None = None, step: str | None = None, status: CallStatus | None = None
    ) -> list[Call]:
        """Calls in the order they came."""
        return _calls(await self._ask("GET", "calls", params=_query(job=job, step=step, status=status)))

    async def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate((await self._ask("GET", "stats")).json())

    async def wait(
        self,
        *,
        job: str | None = None,
        step: str | None = None,
        status: CallStatus | None = None,
        held: str | None = None,
        min_chunks: int | None = None,
        count: int = 1,
        timeout: float = 10.0,
    ) -> list[Call]:
        """Returns as soon as `count` calls match. Raises WaitTimeout after `timeout` seconds."""
        query = _query(job=job, step=step, status=status, held=held, minChunks=min_chunks, count=count, timeout=timeout)
        answer = await self._ask("GET", "wait", params=query, timeout=timeout + 10)
        if answer.status_code == 408:
            raise WaitTimeout(str(query), _calls(answer), await self.calls())
        return _calls(answer)

    async def aclose(self) -> None:
        """Closes the HTTP client."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return _checked(await self._http.request(method, f"/simulator/{path}", **options))


class BlockingSteering:
    """The same for code without an event loop; the simulator must then be a process of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rule(self, rule: Rule | Mapping[str, Any]) -> int:
        """Adds a rule behind the others and returns its id."""
        return int(self._ask("POST", "rules", json=_json(rule)).json()["id"])

    def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        self._ask("DELETE", "rules")
        self._ask("DELETE", "calls")

    def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        self._ask("POST", f"release/{name}")

    def calls(self, *, job: str | None = None, step: str | None = None, status: CallStatus | None = None) -> list[Call]:
        """Calls in the order they came."""
        return _calls(self._ask("GET", "calls", params=_query(job=job, step=step, status=status)))

    def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(self._ask("GET", "stats").json())

    def wait(
        self,
        *,
        job: str | None = None,
        step: str | None = None,
        status: CallStatus | None = None,
        count: int = 1,
        timeout: float = 10.0,
    ) -> list[Call]:
        """Returns as soon as `count` calls match. Raises WaitTimeout after `timeout` seconds."""
        query = _query(job=job, step=step, status=status, count=count, timeout=timeout)
        answer = self._ask("GET", "wait", params=query, timeout=timeout + 10)
        if answer.status_code == 408:
            raise WaitTimeout(str(query), _calls(answer), self.calls())
        return _calls(answer)

    def _ask(self, method: str, path: str, timeout: float = 30, **options: Any) -> httpx.Response:
        url = f"{self._url}/simulator/{path}"
        return _checked(
            httpx.request(method, url, timeout=timeout, trust_env=False, verify=_NO_CERTIFICATES, **options)
        )


def _json(given: Reply | Fault | Match | Rule | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None or isinstance(given, Mapping):
        return None if given is None else dict(given)
    return given.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _query(**members: str | float | None) -> dict[str, str]:
    return {name: str(value) for name, value in members.items() if value is not None}


def _calls(answer: httpx.Response) -> list[Call]:
    return [Call.model_validate(one) for one in answer.json()["calls"]]


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error and answer.status_code != 408:
        raise SteeringError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    return answer
