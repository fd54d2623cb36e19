"""The client over NATS: no gateway needed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, Self

from penstock import jobs
from penstock.client.client import Client, Request, name_of
from penstock.client.errors import RequestRefused, UnknownJob, Unreachable
from penstock.client.following import Placed
from penstock.contracts.events import TERMINAL
from penstock.contracts.job import JobState, JobStatus, JobSummary
from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import is_token
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jobs.admission import parse_request
from penstock.jobs.follow import Follower
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

#: Seconds to wait for a first connection.
_CONNECT = 4.0
_PAGE = 100


class NatsClient(Client):
    """`nats`: a URL, Settings, or a Bus, which stays the caller's to close.

    A request to a pattern that is known here is checked before it is published, as the gateway does. One to
    a pattern that is not is published as it is; where no aggregator knows it either, the job fails.
    """

    def __init__(self, nats: Bus | Settings | str) -> None:
        self._given = nats if isinstance(nats, Bus) else None
        self._settings = nats if isinstance(nats, Settings) else Settings()
        if isinstance(nats, str):
            self._settings = Settings(nats_url=nats)
        self._own: Bus | None = None

    async def __aenter__(self) -> Self:
        if self._given is None:
            try:
                async with asyncio.timeout(_CONNECT):
                    self._own = await connect(self._settings, "penstock-client")
            except (TimeoutError, OSError) as error:
                raise Unreachable(f"NATS does not answer at {self._settings.nats_url}") from error
        return self

    async def aclose(self) -> None:
        if self._own is not None:
            await self._own.connection.close()

    @property
    def bus(self) -> Bus:
        bus = self._given or self._own
        if bus is None:
            raise RuntimeError("a NatsClient is connected by `async with`")
        return bus

    async def check(self) -> None:
        if not self.bus.connection.is_connected:
            raise Unreachable(f"NATS does not answer at {self._settings.nats_url}")

    async def submit(self, pattern: str | Pattern[Any, Any], request: Request, *, job: str | None = None) -> str:
        name = name_of(pattern)
        known = load(self._settings.patterns).get(name) if isinstance(pattern, str) else pattern
        job = job or jobs.new_job_id()
        try:
            if not is_token(job):
                raise Failure("invalid_request", f"{job!r} is no job id: 1 to 64 of A-Z a-z 0-9 _ -")
            with _within_patience("submitting"):
                await jobs.submit(self.bus, name, job, _body(name, known, request))
        except Failure as failure:
            raise RequestRefused(failure.problem()) from failure
        return job

    async def state(self, job: str) -> JobState:
        with _within_patience(f"looking up job {job}"):
            return _known(job, await jobs.look_up(self.bus, job) if is_token(job) else None)

    async def cancel(self, job: str) -> JobState:
        with _within_patience(f"cancelling job {job}"):
            return _known(job, await jobs.cancel(self.bus, job) if is_token(job) else None)

    async def jobs(
        self,
        *,
        pattern: str | None = None,
        status: JobStatus | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> AsyncGenerator[JobSummary, None]:
        wanted = jobs.Wanted(pattern=pattern, status=status, since=since, until=until)
        before: int | None = None
        while before != 0:
            with _within_patience("listing jobs"):
                page, before = await jobs.page(self.bus, wanted, limit=_PAGE, before=before)
            for job in page:
                yield job

    async def _events(self, job: str, after: int) -> AsyncGenerator[Placed, None]:
        state = await self.state(job)
        shown = False
        with _within_patience(f"following job {job}"):
            async with Follower(self.bus, job, settle=state.ended) as follower:
                async for delivered in follower:
                    if delivered is None or (delivered.sequence <= after and not follower.truncated):
                        continue
                    if follower.truncated and not shown:
                        yield Placed(await jobs.snapshot(self.bus, job, state.pattern), 0)
                        shown = True
                    yield Placed(delivered.event, delivered.sequence)
                    if isinstance(delivered.event, TERMINAL):
                        return


@contextmanager
def _within_patience(what: str) -> Iterator[None]:
    try:
        yield
    except BusUnavailable as error:
        raise Unreachable(f"{what}: {error}") from error


def _known(job: str, state: JobState | None) -> JobState:
    if state is None:
        raise UnknownJob(job)
    return state


def _body(name: str, pattern: Pattern[Any, Any] | None, request: Request) -> bytes:
    """Raises InvalidRequest."""
    if isinstance(request, PatternRequest):
        return request.model_dump_json(by_alias=True).encode()
    raw = json.dumps(dict(request), ensure_ascii=False).encode()
    if pattern is None:
        return raw
    return parse_request({name: pattern}, name, raw).model_dump_json(by_alias=True).encode()
