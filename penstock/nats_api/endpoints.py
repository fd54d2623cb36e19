"""Request and reply over NATS: submit, status, cancel and the patterns, as a service that `nats micro ls` finds.

    penstock.submit.<pattern>   a request of the pattern   ──▶ JobState     header Penstock-Job: the id, if chosen
    penstock.status             {"id": "<job>"}            ──▶ JobState
    penstock.cancel             {"id": "<job>"}            ──▶ JobState
    penstock.patterns           nothing                    ──▶ PatternList

A refusal has the headers of the micro protocol (ADR-32 of nats-architecture-and-design): Nats-Service-Error-Code
is the HTTP status, Nats-Service-Error is `<code>: <detail>`; its body is the problem object (RFC 9457).

Every replica answers, as one queue group. Requests to one endpoint of one replica are served in turn,
in the order of their coming: nats-py calls a subscription's callback so.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nats.js.errors import APIError
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import Service
from pydantic import BaseModel, ValidationError

from penstock import __version__, jobs
from penstock.contracts.api import JobReference, PatternContract, PatternList
from penstock.contracts.job import JobState
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.wire import is_token
from penstock.errors import BusUnavailable, Failure, InvalidRequest
from penstock.jetstream import subjects
from penstock.jetstream.bus import UNREACHABLE, Bus
from penstock.jobs.admission import admit, invalid_request
from penstock.pattern import Pattern
from penstock.settings import Settings

log = logging.getLogger(__name__)

_DESCRIPTION = "LLM agent patterns as durable jobs. Events of a job: live.<job>; its end: facts.<job>.end."


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A line in the table of endpoints; AsyncAPI is made from it too. `request` None: the body is ignored."""

    name: str
    subject: str
    summary: str
    request: type[BaseModel] | None
    reply: type[BaseModel]
    pattern: str | None = None


def endpoints(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Endpoint]:
    """The table: one line for each pattern's submission, and three more."""
    submissions = [
        Endpoint(
            name=f"submit-{pattern.name}",
            subject=subjects.api("submit", pattern.name),
            summary=pattern.summary,
            request=pattern.request,
            reply=JobState,
            pattern=pattern.name,
        )
        for pattern in patterns.values()
    ]
    return [
        *submissions,
        Endpoint(
            name="status",
            subject=subjects.api("status"),
            summary="A job's state, its steps, and its result or problem once it has ended.",
            request=JobReference,
            reply=JobState,
        ),
        Endpoint(
            name="cancel",
            subject=subjects.api("cancel"),
            summary="End a job as cancelled, unless it has ended; answers its state after that.",
            request=JobReference,
            reply=JobState,
        ),
        Endpoint(
            name="patterns",
            subject=subjects.api("patterns"),
            summary="The patterns there are, with their contracts.",
            request=None,
            reply=PatternList,
        ),
    ]


class Refused(Exception):
    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(type=f"urn:penstock:{code}", title=title, status=status, code=code, detail=detail)


class NatsApi:
    """Answers the endpoints of one process from `start` to `stop`."""

    def __init__(self, bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> None:
        self._bus, self._patterns, self._settings = bus, patterns, settings
        self._service: Service | None = None

    async def start(self) -> None:
        answers = {"status": self._status, "cancel": self._cancel, "patterns": self._list_patterns}
        self._service = await add_service(
            self._bus.connection,
            name=subjects.API,
            version=__version__,
            description=_DESCRIPTION,
            queue_group=subjects.API,
        )
        for endpoint in endpoints(self._patterns):
            answer = self._submitting(endpoint.pattern) if endpoint.pattern else answers[endpoint.name]
            await self._service.add_endpoint(
                name=endpoint.name,
                subject=endpoint.subject,
                handler=self._answering(answer),
                metadata=_metadata(endpoint),
            )

    async def stop(self) -> None:
        if self._service is not None and not self._bus.connection.is_closed:
            await self._service.stop()

    def _submitting(self, pattern: str) -> Callable[[Request], Awaitable[BaseModel]]:
        async def submit(request: Request) -> JobState:
            if len(request.data) > self._settings.max_body:
                detail = f"the body may have {self._settings.max_body} bytes"
                raise Refused(413, "body_too_large", "The body is too large", detail)
            admit(self._patterns, pattern, request.data, self._settings)
            headers = request.headers or {}
            job = headers.get(subjects.JOB_HEADER) or jobs.new_job_id()
            if not is_token(job):
                raise InvalidRequest(f"header {subjects.JOB_HEADER}: a job id is 1 to 64 of A-Z a-z 0-9 _ -")
            known = await jobs.look_up(self._bus, job) if subjects.JOB_HEADER in headers else None
            if known is not None and known.pattern != pattern:
                raise Failure("job_id_taken", f"job {job} was submitted before to {known.pattern}")
            # the bytes as they came: the same request published to jobs.<pattern>.<job> is the same job
            new = await jobs.submit(self._bus, pattern, job, request.data, tenant=headers.get(subjects.TENANT_HEADER))
            return (None if new else known) or JobState(id=job, pattern=pattern, status="queued", usage=Usage())

        return submit

    async def _status(self, request: Request) -> JobState:
        return _found(await jobs.look_up(self._bus, _job(request)))

    async def _cancel(self, request: Request) -> JobState:
        return _found(await jobs.cancel(self._bus, _job(request)))

    async def _list_patterns(self, _: Request) -> PatternList:
        return PatternList(
            patterns=tuple(
                PatternContract(
                    name=pattern.name,
                    summary=pattern.summary,
                    request=pattern.request.model_json_schema(by_alias=True),
                    result=pattern.result.model_json_schema(by_alias=True, mode="serialization"),
                    example=pattern.example.model_dump(mode="json", by_alias=True),
                )
                for pattern in self._patterns.values()
            )
        )

    def _answering(self, answer: Callable[[Request], Awaitable[BaseModel]]) -> Callable[[Request], Awaitable[None]]:
        """The endpoint's handler: what `answer` gives or raises, as a reply. Who wants no reply is not served."""

        async def handle(request: Request) -> None:
            if not request._msg.reply:
                return
            try:
                reply = (await answer(request)).model_dump_json().encode()
                if len(reply) > self._bus.max_payload - 4096:
                    raise Failure("output_too_large", f"{len(reply)} bytes do not fit into a reply")
            except Exception as error:
                problem = _problem(error)
                await request.respond_error(
                    str(problem.status), _described(problem), problem.model_dump_json().encode()
                )
            else:
                await request.respond(reply)

        return handle


def _job(request: Request) -> str:
    try:
        return JobReference.model_validate_json(request.data).id
    except ValidationError as error:
        raise invalid_request(error) from None


def _found(state: JobState | None) -> JobState:
    if state is None:
        raise Refused(404, "unknown_job", "There is no such job", "no such job, or it is past its retention")
    return state


def _problem(error: Exception) -> Problem:
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, Failure):
        return error.problem()
    if isinstance(error, BusUnavailable | APIError | UNREACHABLE):
        log.warning("NATS did not serve a request: %r", error)
        detail = "JetStream did not answer in time; try again."
        return Refused(503, "bus_unavailable", "The message bus does not answer", detail).problem
    log.error("a request could not be answered", exc_info=error)
    return Refused(500, "internal_error", "Something broke here", "the fault is logged").problem


def _described(problem: Problem) -> str:
    """The problem in a header: one line of ASCII."""
    return " ".join(f"{problem.code}: {problem.detail}".split())[:500].encode("ascii", "replace").decode()


def _metadata(endpoint: Endpoint) -> dict[str, str]:
    """Strings only, by the protocol: the schemas are JSON in a string."""
    described = {"summary": endpoint.summary, "reply_schema": _schema(endpoint.reply, "serialization")}
    return described | ({"request_schema": _schema(endpoint.request, "validation")} if endpoint.request else {})


@lru_cache(maxsize=1024)
def _schema(model: type[BaseModel], mode: Any) -> str:
    return json.dumps(model.model_json_schema(by_alias=True, mode=mode), separators=(",", ":"))
