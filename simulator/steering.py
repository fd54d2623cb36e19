"""A client for the steering endpoints: `Steering` for async tests, `BlockingSteering` for scripts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
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
        answer = await self._http.post("/simulator/rules", json=_rule(match, times, skip, reply, fault))
        return int(_checked(answer).json()["id"])

    async def rules(self) -> list[dict[str, Any]]:
        """The rules in order, each with `id`, `seen` and `hits`."""
        found: list[dict[str, Any]] = _checked(await self._http.get("/simulator/rules")).json()["rules"]
        return found

    async def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        _checked(await self._http.delete("/simulator/rules"))
        _checked(await self._http.delete("/simulator/calls"))

    async def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        _checked(await self._http.post(f"/simulator/release/{name}"))

    async def calls(
        self, *, job: str | None = None, step: str | None = None, status: CallStatus | None = None
    ) -> list[Call]:
        """Calls in the order they came."""
        query = _query(job=job, step=step, status=status)
        return _calls(_checked(await self._http.get("/simulator/calls", params=query)))

    async def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(_checked(await self._http.get("/simulator/stats")).json())

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
        answer = await self._http.get("/simulator/wait", params=query, timeout=timeout + 10)
        if answer.status_code == 408:
            raise WaitTimeout(str(query), _calls(answer), await self.calls())
        return _calls(_checked(answer))

    async def aclose(self) -> None:
        """Closes the HTTP client."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class BlockingSteering:
    """The same for code without an event loop; the simulator must then be a process of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rule(self, rule: Rule | Mapping[str, Any]) -> int:
        """Adds a rule behind the others and returns its id."""
        body = rule.model_dump(mode="json", by_alias=True, exclude_unset=True) if isinstance(rule, Rule) else dict(rule)
        return int(self._request("POST", "/simulator/rules", json=body).json()["id"])

    def clear(self) -> None:
        """Forgets rules, calls and totals, and lets go what is held."""
        self._request("DELETE", "/simulator/rules")
        self._request("DELETE", "/simulator/calls")

    def release(self, name: str) -> None:
        """Lets go what is held under that name; may come before the hold."""
        self._request("POST", f"/simulator/release/{name}")

    def calls(self, *, job: str | None = None, step: str | None = None, status: CallStatus | None = None) -> list[Call]:
        """Calls in the order they came."""
        return _calls(self._request("GET", "/simulator/calls", params=_query(job=job, step=step, status=status)))

    def stats(self) -> Stats:
        """The totals."""
        return Stats.model_validate(self._request("GET", "/simulator/stats").json())

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
        answer = httpx.get(
            f"{self._url}/simulator/wait",
            params=query,
            timeout=timeout + 10,
            trust_env=False,
            verify=_NO_CERTIFICATES,
        )
        if answer.status_code == 408:
            raise WaitTimeout(str(query), _calls(answer), self.calls())
        return _calls(_checked(answer))

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return _checked(
            httpx.request(method, self._url + path, timeout=30, trust_env=False, verify=_NO_CERTIFICATES, **options)
        )


def _rule(
    match: Match,
    times: int | None,
    skip: int,
    reply: Reply | Mapping[str, Any] | None,
    fault: Fault | Mapping[str, Any] | None,
) -> dict[str, Any]:
    body: dict[str, Any] = {"match": match.model_dump(exclude_none=True, by_alias=True), "times": times, "skip": skip}
    for name, part in (("reply", reply), ("fault", fault)):
        if part is not None:
            given = (
                part if isinstance(part, Mapping) else part.model_dump(mode="json", by_alias=True, exclude_unset=True)
            )
            body[name] = dict(given)
    return body


def _query(**members: str | float | None) -> dict[str, str]:
    return {name: str(value) for name, value in members.items() if value is not None}


def _calls(answer: httpx.Response) -> list[Call]:
    return [Call.model_validate(one) for one in answer.json()["calls"]]


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise SteeringError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    return answer
