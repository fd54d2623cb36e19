"""The client over HTTP: any gateway of any replica."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from penstock.client.client import Client, Request, name_of
from penstock.client.errors import RequestRefused, UnknownJob, Unreachable, describe
from penstock.client.event_stream import read
from penstock.client.following import Placed
from penstock.client.tries import Tries
from penstock.contracts.events import TERMINAL
from penstock.contracts.job import JobPage, JobState, JobStatus, JobSummary, Snapshot
from penstock.contracts.problem import Problem
from penstock.contracts.wire import is_token
from penstock.pattern import Pattern

#: Answers that say: not now. The request was not carried out, or may be made again all the same.
_LATER = frozenset({429, 502, 503, 504})
_CONNECT, _ANSWER = 5.0, 30.0
#: Seconds without even a heartbeat after which an event stream is taken for dead.
_SILENCE = 45.0
_PAGE = 100
_FOLLOWING = httpx.Timeout(_ANSWER, connect=_CONNECT, read=_SILENCE)


class HttpClient(Client):
    """`url`: where the gateways are; several, separated by commas, are used in turn when one does not answer.

    `patience`: seconds to go on trying while no gateway answers, or all are busy, before Unreachable.
    """

    def __init__(self, url: str, *, api_key: str | None = None, patience: float = 60.0) -> None:
        self._urls = [one.strip().rstrip("/") for one in url.split(",")]
        self._patience = patience
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
            timeout=httpx.Timeout(_ANSWER, connect=_CONNECT),
            # a proxy that the environment names has no way to this machine's own gateways
            trust_env=not all(map(_is_local, self._urls)),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        why = ""
        for _ in self._urls:
            try:
                response = await self._http.get(f"{self._urls[0]}/readyz")
            except httpx.TransportError as error:
                why = _named(error)
            else:
                if response.is_success:
                    return
                why = f"it answers {response.status_code}"
            self._next_url()
        raise Unreachable(f"no gateway is ready at {', '.join(self._urls)} ({why}); `penstock up` starts one")

    async def submit(self, pattern: str | Pattern[Any, Any], request: Request, *, job: str | None = None) -> str:
        body = request.model_dump(mode="json", by_alias=True) if isinstance(request, BaseModel) else dict(request)
        headers = {"Prefer": "respond-async", "Idempotency-Key": f'"{job or uuid4()}"'}
        answer = await self._asked("POST", f"/{name_of(pattern)}", headers=headers, json=body)
        return str(answer.headers["x-job-id"])

    async def state(self, job: str) -> JobState:
        answer = await self._asked("GET", _path(job))
        return JobState.model_validate_json(answer.content)

    async def cancel(self, job: str) -> JobState:
        answer = await self._asked("DELETE", _path(job))
        return JobState.model_validate_json(answer.content)

    async def jobs(
        self,
        *,
        pattern: str | None = None,
        status: JobStatus | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> AsyncGenerator[JobSummary, None]:
        wanted = {"pattern": pattern, "status": status, "since": since, "until": until}
        query = {name: value for name, value in wanted.items() if value is not None}
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            answer = await self._asked("GET", "/jobs", params={"limit": _PAGE, **query, **more})
            page = JobPage.model_validate_json(answer.content)
            for job in page.jobs:
                yield job
            cursor = page.next
            if cursor is None:
                return

    async def _events(self, job: str, after: int) -> AsyncGenerator[Placed, None]:
        tries = Tries(f"following job {job}", self._patience)
        cursor, asked_to_wait = after, 0.0
        while True:
            wait, why = asked_to_wait, "the stream ended before the job"
            headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
            if cursor:
                headers["Last-Event-ID"] = str(cursor)
            try:
                async with self._opened("GET", f"{_path(job)}/events", headers=headers, timeout=_FOLLOWING) as answer:
                    if answer.status_code == HTTPStatus.NO_CONTENT:
                        return
                    async for sent in read(answer):
                        tries.succeeded()
                        asked_to_wait = asked_to_wait if sent.retry is None else sent.retry
                        if isinstance(sent.event, Snapshot):
                            # what is kept follows it, from its beginning
                            cursor = 0
                        elif sent.event is None or sent.cursor <= cursor:
                            continue
                        cursor = max(cursor, sent.cursor)
                        yield Placed(sent.event, cursor)
                        if isinstance(sent.event, TERMINAL):
                            return
            except _Later as later:
                wait, why = max(wait, later.after), str(later)
            except httpx.TransportError as error:
                why = _named(error)
            self._next_url()
            await tries.pause(why, at_least=wait)

    async def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer, once there is one. To be used for what may be asked twice."""
        tries = Tries(f"{method} {path}", self._patience)
        while True:
            wait = 0.0
            try:
                async with self._opened(method, path, **request) as answer:
                    if method != "POST":  # of that one the headers are enough
                        await answer.aread()
                    return answer
            except _Later as later:
                wait, why = later.after, str(later)
            except httpx.TransportError as error:
                why = _named(error)
            self._next_url()
            await tries.pause(why, at_least=wait)

    @asynccontextmanager
    async def _opened(self, method: str, path: str, **request: Any) -> AsyncIterator[httpx.Response]:
        """A response that is no refusal. Raises _Later, UnknownJob, RequestRefused, httpx.TransportError."""
        async with self._http.stream(method, self._urls[0] + path, **request) as answer:
            # one that names a job was not refused: its status may be that of the job, which has failed already
            if not answer.is_success and "x-job-id" not in answer.headers:
                await answer.aread()
                problem = _problem(answer)
                if answer.status_code in _LATER:
                    raise _Later(answer, problem)
                if problem.code == "unknown_job":
                    raise UnknownJob(path.split("/")[2])
                raise RequestRefused(problem)
            yield answer

    def _next_url(self) -> None:
        self._urls.append(self._urls.pop(0))


class _Later(Exception):
    """The gateway cannot serve it now; `after`: the seconds it asks to wait."""

    def __init__(self, answer: httpx.Response, problem: Problem) -> None:
        super().__init__(f"{answer.status_code} {describe(problem)}")
        after = answer.headers.get("retry-after", "")
        self.after = float(after) if after.isdecimal() else 0.0


def _path(job: str) -> str:
    if not is_token(job):
        raise UnknownJob(job)
    return f"/jobs/{job}"


def _problem(answer: httpx.Response) -> Problem:
    """What the gateway says, or in its words what something in front of it says."""
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        detail = f"{answer.url} answers {answer.status_code} {answer.reason_phrase}"
        return Problem(
            type="about:blank", title=answer.reason_phrase, status=answer.status_code, code="http_error", detail=detail
        )


def _named(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _is_local(url: str) -> bool:
    host = httpx.URL(url).host
    return host == "localhost" or host == "::1" or host.startswith("127.")
