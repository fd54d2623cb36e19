"""The client over HTTP: any gateway of any replica."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import httpx
from httpx_sse import EventSource
from pydantic import Field, TypeAdapter, ValidationError

from penstock.backoff import delay, retry_after
from penstock.client.arguments import AnyPattern
from penstock.client.client import Client
from penstock.client.errors import RequestRefused, UnknownJob, Unreachable
from penstock.client.job_events import EventAt
from penstock.contracts.events import TERMINAL, Event
from penstock.contracts.fleet import Fleet
from penstock.contracts.job import JobPage, JobState, Snapshot
from penstock.contracts.problem import Problem
from penstock.contracts.usage import By, UsageReport
from penstock.contracts.waiting import Signal
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.errors import Failure, Misconfigured, Transient
from penstock.jobs import job_of
from penstock.printable import without_credentials

_Answer = TypeVar("_Answer", Fleet, JobState, JobPage, Signal, UsageReport)
_EVENT: TypeAdapter[Event | Snapshot] = TypeAdapter(Annotated[Event | Snapshot, Field(discriminator="type")])
#: Answers that say: not now. The request was not carried out, or may be made again all the same.
_LATER = frozenset({429, 502, 503, 504})
_CONNECT, _ANSWER = 5.0, 30.0
#: Seconds without even a heartbeat after which an event stream counts as broken off.
_SILENCE = 45.0
_FOLLOWING = httpx.Timeout(_ANSWER, connect=_CONNECT, read=_SILENCE)
#: Each job that is followed takes a connection, and nothing else waits for one: as many as there are.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
#: Seconds before the second attempt; doubles with each further one, up to the second number.
_FIRST, _LONGEST = 0.1, 5.0


class HttpClient(Client):
    """`url`: where the gateways are; several, separated by commas, are used in turn when one does not answer.

    `api_key`: the caller's (docs/keys.md), sent as `Authorization: Bearer`. Where it is not valid, or does not allow
    what is asked for, every method raises RequestRefused: `unauthorized`, `forbidden`.
    `patience`: seconds to go on trying while no gateway answers, or all are busy, before Unreachable.

    Raises Misconfigured for a URL without http:// or https://, and for a key that no header can have.
    """

    def __init__(self, url: str, *, api_key: str | None = None, patience: float = 60.0) -> None:
        super().__init__()
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise Misconfigured("an API key is visible ASCII characters")
        self._urls = [one.strip().rstrip("/") for one in url.split(",")]
        for one in self._urls:
            if not one.startswith(("http://", "https://")):
                raise Misconfigured(without_credentials(f"a gateway's address needs http:// or https://: {one!r}"))
        self._patience, self._authorized = patience, api_key is not None
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
            timeout=httpx.Timeout(_ANSWER, connect=_CONNECT),
            limits=_LIMITS,
            # a proxy that the environment names has no way to this machine's own gateways
            mounts=dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]")),
        )

    async def _close(self) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        why = ""
        for url in self._urls:
            try:
                answer = await self._http.get(f"{url}/readyz")
                if answer.is_success:
                    return
                why = " ".join(f"{answer.status_code} {answer.text}".split())[:200]
            except (httpx.TransportError, RuntimeError) as error:  # the latter: the client is closed
                why = str(error) or type(error).__name__
        where = without_credentials(", ".join(self._urls))
        raise Unreachable(f"no gateway is ready at {where} ({why}); `penstock up` starts one")

    async def _submit(self, pattern: AnyPattern, name: str, body: bytes, key: str | None) -> str:
        key = str(uuid4()) if key is None else key
        quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        headers = {"Prefer": "respond-async", "Idempotency-Key": quoted, "Content-Type": "application/json"}
        # whose tenant a key is of, only the gateway knows
        job = "a job" if self._authorized else f"job {job_of(key, name, DEFAULT_TENANT).id}"
        what = f"submitting {job}"
        answer = await self._asked("POST", f"/{name}", what=what, headers=headers, content=body)
        return str(answer.headers["x-job-id"])

    async def _state(self, job: str) -> JobState:
        return await self._got(JobState, "GET", f"/jobs/{job}")

    async def _cancel(self, job: str) -> JobState:
        return await self._got(JobState, "DELETE", f"/jobs/{job}")

    async def _signal(self, job: str, name: str, body: bytes) -> Signal:
        headers = {"Content-Type": "application/json"}
        return await self._got(Signal, "POST", f"/jobs/{job}/signals/{name}", headers=headers, content=body)

    async def _retry(self, job: str) -> str:
        return str((await self._asked("POST", f"/jobs/{job}/retry")).headers["x-job-id"])

    async def _page(self, query: Mapping[str, Any]) -> JobPage:
        return await self._got(JobPage, "GET", "/jobs", params=query)

    async def usage(
        self, first: date | None = None, last: date | None = None, by: Sequence[By] = ("day",)
    ) -> UsageReport:
        days = {name: str(day) for name, day in (("from", first), ("to", last)) if day}
        return await self._got(UsageReport, "GET", "/usage", params=days | {"by": ",".join(by)})

    async def fleet(self) -> Fleet:
        return await self._got(Fleet, "GET", "/fleet")

    async def _events(self, job: str, after: int) -> AsyncGenerator[EventAt, None]:
        attempts = _Attempts(f"following job {job}", self._urls, self._patience)
        cursor = after
        while True:
            headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
            if cursor:
                headers["Last-Event-ID"] = str(cursor)
            async with (
                attempts.next(),
                self._opened("GET", f"/jobs/{job}/events", headers=headers, timeout=_FOLLOWING) as answer,
                attempts.answered_by(answer),
                aclosing(EventSource(answer).aiter_sse()) as messages,
            ):
                if answer.status_code == HTTPStatus.NO_CONTENT:
                    return
                async for sent in messages:
                    if sent.retry is not None:
                        attempts.at_least = sent.retry / 1000
                    try:
                        event = _EVENT.validate_json(sent.data)
                    except ValidationError:  # a heartbeat, or an event of a newer gateway
                        continue
                    place = int(sent.id) if sent.id.isdecimal() else 0
                    if isinstance(event, Snapshot):
                        cursor = 0  # what is kept follows it, from its beginning
                    elif place < cursor:  # several may have one id: a resumed stream repeats them all (docs/adr/0003)
                        continue
                    cursor = max(cursor, place)
                    yield event, cursor
                    if isinstance(event, TERMINAL):
                        return
                raise Transient("http_error", "the stream ended before the job")

    async def _got(self, model: type[_Answer], method: str, path: str, **request: Any) -> _Answer:
        answer = await self._asked(method, path, **request)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise RequestRefused(_problem(answer)) from error

    async def _asked(self, method: str, path: str, *, what: str | None = None, **request: Any) -> httpx.Response:
        """The answer, once there is one. To be used for what may be asked twice; `what` names it in Unreachable."""
        attempts = _Attempts(what or f"{method} {path}", self._urls, self._patience)
        while True:
            async with attempts.next(), self._opened(method, path, **request) as answer:
                if "location" not in answer.headers:  # of a submission's the headers are enough
                    await answer.aread()
                return answer

    @asynccontextmanager
    async def _opened(self, method: str, path: str, **request: Any) -> AsyncIterator[httpx.Response]:
        """A response that is no refusal. Raises Transient, UnknownJob, RequestRefused, httpx.TransportError."""
        if self._http.is_closed:
            raise Unreachable(f"{method} {path}: the client is closed")
        async with self._http.stream(method, self._urls[0] + path, **request) as answer:
            # a submission is answered with the job's address: its status is that of the job, which may have failed
            submitted = {"location", "x-job-id"} <= answer.headers.keys()
            submitting = method == "POST" and not path.startswith("/jobs/")
            if not (submitted if submitting else answer.is_success):
                await answer.aread()
                problem = _problem(answer)
                if answer.status_code in _LATER:
                    requested = retry_after(answer.headers.get("retry-after", ""))
                    raise Transient(problem.code, f"{answer.status_code} {problem}", retry_after=requested)
                if problem.code == "unknown_job":
                    raise UnknownJob(path.split("/")[2])
                raise RequestRefused(problem)
            yield answer


@dataclass
class _Attempts:
    """Attempts at `what`, at the first of `urls`; Unreachable is raised once they have failed for `patience` seconds.

    while True:
        async with attempts.next():
            return await something()
    """

    what: str
    urls: list[str]
    patience: float
    #: Seconds that the other side asks to wait before each attempt but the first.
    at_least: float = 0.0
    #: How many in a row.
    failed: int = 0
    _since: float = field(default=0.0, init=False)

    @asynccontextmanager
    async def answered_by(self, answer: httpx.Response) -> AsyncIterator[None]:
        """What fails after some of its body, be it heartbeats, begins to fail: all the patience is there again."""
        try:
            yield
        finally:
            if answer.num_bytes_downloaded:
                self.failed = 0

    @asynccontextmanager
    async def next(self) -> AsyncIterator[None]:
        """Where the body ends in a passing error, wait until it is time for the next attempt, at the next gateway."""
        try:
            yield
        except (httpx.TransportError, Transient) as error:
            self.urls.append(self.urls.pop(0))
            now = asyncio.get_running_loop().time()
            self._since = self._since if self.failed else now
            self.failed += 1
            requested = error.retry_after if isinstance(error, Transient) else None
            wait = max(delay(self.failed, first=_FIRST, longest=_LONGEST, requested=requested), self.at_least)
            if now + wait > self._since + self.patience:
                raise Unreachable(f"{self.what}: {error or type(error).__name__}") from error
            await asyncio.sleep(wait)


def _problem(answer: httpx.Response) -> Problem:
    """The gateway's problem; for an answer of something in front of it, a problem made from the status."""
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        said = f"{answer.url} answers {answer.status_code} {answer.reason_phrase}"
        if answer.has_redirect_location:  # not followed: who else would be given the key?
            said += f" and leads to {answer.headers['location']}: give the client the gateway's own address"
        elif answer.is_success:
            said += ", and no gateway does so"
        said = without_credentials(said)
        made = Failure("http_error", said).problem()
        return made.model_copy(update={"status": answer.status_code})
