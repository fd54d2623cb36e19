"""Request and reply over NATS: submit, status, cancel, retry, signal, and the patterns, as `nats micro ls` finds them.

    penstock.submit.<tenant>.<pattern>   a request of the pattern  ──▶ JobState   header Penstock-Job: the id, if chosen
    penstock.status.<tenant>             {"id": "<job>"}           ──▶ JobState
    penstock.cancel.<tenant>             {"id": "<job>"}           ──▶ JobState
    penstock.signal.<tenant>             {"id": "<job>", "name": "<signal>", "body": …}  ──▶ Signal
    penstock.retry.<tenant>              {"id": "<job>"}           ──▶ JobState   of the new job
    penstock.patterns                    nothing                   ──▶ PatternList

Whose jobs it is about is a token of the subject: NATS itself decides who may publish there.

A refusal has the headers of the micro protocol (ADR-32 of nats-architecture-and-design): Nats-Service-Error-Code
is the HTTP status, Nats-Service-Error is `<code>: <detail>`; its body is the problem object (RFC 9457).

Every replica answers, as one queue group, and some requests to each endpoint at once. Where replicas serve different
patterns, any of them may answer, and refuse what another would have served.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from typing import Any, cast

from nats.aio.client import Client as Connection
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.micro import add_service
from nats.micro.request import Request, ServiceError
from nats.micro.service import Service
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode

from penstock import correlation, jobs
from penstock.cancelling import stop
from penstock.contracts.job import JobReference, JobState, PatternList
from penstock.contracts.usage import Usage
from penstock.contracts.waiting import Signal, SignalRequest
from penstock.contracts.wire import JobName, is_tenant, is_token
from penstock.errors import InvalidRequest, Refused
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.admission import Admission
from penstock.jobs.refusals import invalid_request, known, problem_of
from penstock.jobs.submission import parse_request
from penstock.nats_api.channels import Channel, endpoints
from penstock.pattern import Pattern
from penstock.settings import Settings

log = logging.getLogger(__name__)

_DESCRIPTION = (
    "LLM agent patterns as durable jobs. Events of a job: live.<tenant>.<job>; its end: facts.<tenant>.<job>.end."
)

#: Requests to one endpoint that are answered at once; the others wait.
_AT_ONCE = 32

Answer = Callable[[Request], Awaitable[BaseModel]]


class _InTasks:
    """A connection whose subscriptions take messages while others are answered; nats-py awaits each callback."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.answering: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def subscribe(self, subject: str, *, cb: Callable[[Msg], Awaitable[None]], **kwargs: Any) -> Subscription:
        free = asyncio.Semaphore(_AT_ONCE)

        async def answer(message: Msg) -> None:
            try:
                await cb(message)
            finally:
                free.release()

        async def begin(message: Msg) -> None:
            await free.acquire()
            task = asyncio.create_task(answer(message))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)

        return await self._connection.subscribe(subject, cb=begin, **kwargs)


class NatsApi:
    """Answers the endpoints of one process from `start` to `stop`."""

    def __init__(self, bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> None:
        self._bus, self._patterns, self._settings = bus, patterns, settings
        self._connection = _InTasks(bus.connection)
        self._service: Service | None = None
        self._admission = Admission(bus, settings)

    async def start(self) -> None:
        self._service = service = await add_service(
            cast(Connection, self._connection),
            name=subjects.API,
            version=__version__,
            description=_DESCRIPTION,
            queue_group=subjects.API,
        )
        answers: dict[str, Answer] = {
            "status": partial(self._about, jobs.look_up_with_queue),
            "cancel": partial(self._about, jobs.cancel),
            "signal": self._signal,
            "retry": partial(self._about, self._retry),
            "patterns": self._list_patterns,
        }
        for channel in endpoints(self._patterns):
            name = channel.name.removeprefix("api-")
            handler = partial(self._handle, answers.get(name, self._submit))
            subject = channel.address.replace("{tenant}", "*")
            await service.add_endpoint(name=name, subject=subject, handler=handler, metadata=_metadata(channel))
        # unknown patterns are refused with the list; the server may deliver submissions to known ones here as well
        handler = partial(self._handle, self._submit)
        await service.add_endpoint(name="submit", subject=subjects.api("submit", "*", "*"), handler=handler)

    async def stop(self) -> None:
        if self._service is not None and not self._bus.connection.is_closed:
            await self._service.stop()
            if self._connection.answering:
                await asyncio.wait(self._connection.answering, timeout=self._settings.grace)
        await stop(*self._connection.answering)
        await self._admission.aclose()

    async def _submit(self, request: Request) -> JobState:
        pattern = subjects.tokens(request.subject)[-1]
        if len(request.data) > self._settings.max_body:
            raise Refused("body_too_large", f"the body may have {self._settings.max_body} bytes")
        parse_request(self._patterns, pattern, request.data, self._settings)
        chosen = (request.headers or {}).get(subjects.JOB_HEADER)
        tenant, state = _tenant(request), None
        if not chosen:
            job = await self._admission.new(tenant)
        else:
            job = JobName(tenant, chosen)
            if not is_token(job.id):
                raise InvalidRequest(f"header {subjects.JOB_HEADER}: a job id is 1 to 64 of A-Z a-z 0-9 _ -")
            state = await jobs.look_up(self._bus, job)
            if state is not None and state.pattern != pattern:
                raise Refused("job_id_taken", f"job {job.id} was submitted before to {state.pattern}")
            if state is None:
                await self._admission.check(job)
        # the bytes as they came: the same request published to jobs.<tenant>.<pattern>.<job> is the same job
        new = await jobs.submit(self._bus, pattern, job, request.data)
        return (None if new else state) or JobState(id=job.id, pattern=pattern, status="queued", usage=Usage())

    async def _signal(self, request: Request) -> Signal:
        try:
            given = SignalRequest.model_validate_json(request.data)
        except ValidationError as error:
            raise invalid_request(error) from None
        job = JobName(_tenant(request), given.id)
        return await jobs.signal(self._bus, self._patterns, job, given.name, json.dumps(given.body).encode())

    async def _about(self, ask: Callable[[Bus, JobName], Awaitable[JobState | None]], request: Request) -> JobState:
        try:
            job = JobName(_tenant(request), JobReference.model_validate_json(request.data).id)
        except ValidationError as error:
            raise invalid_request(error) from None
        return known(job.id, await ask(self._bus, job))

    async def _retry(self, bus: Bus, job: JobName) -> JobState | None:
        return await jobs.retry(bus, job, admit=self._admission.check)

    async def _list_patterns(self, _: Request) -> PatternList:
        return PatternList(patterns=tuple(pattern.contract() for pattern in self._patterns.values()))

    async def _handle(self, answer: Answer, request: Request) -> None:
        """What `answer` returns, as a reply; raises ServiceError for what it raises, which nats-py counts and answers.

        A message without a reply subject is ignored.
        """
        if not request._msg.reply:
            return
        correlation.begin(correlation.of_message(request.headers))
        try:
            reply = (await answer(request)).model_dump_json().encode()
            if len(reply) > self._bus.max_body:
                raise Refused("output_too_large", f"{len(reply)} bytes do not fit into a reply")
        except Exception as error:
            problem = correlation.stamped(problem_of(error))
            if problem.code == "internal_error":
                log.error("a request could not be answered", exc_info=error)
            # a header is one line of ASCII
            line = " ".join(f"{problem.code}: {problem.detail}".split())[:500].encode("ascii", "replace").decode()
            # nats-py's answer to what is raised has no body: here it is the problem
            body = problem.model_dump_json().encode()
            request.respond_error = partial(request.respond_error, data=body)  # type: ignore[method-assign]
            raise ServiceError(str(problem.status), line) from error
        await request.respond(reply)


def _tenant(request: Request) -> str:
    """The token behind the endpoint's name. Raises InvalidRequest."""
    tenant = subjects.tokens(request.subject)[1]
    if not is_tenant(tenant):
        raise InvalidRequest(f"{request.subject}: a tenant is 1 to 32 of a-z 0-9 -")
    return tenant


def _metadata(channel: Channel) -> dict[str, str]:
    """Strings only, by the protocol: the schemas are JSON in a string."""
    described = {"summary": channel.summary}
    for name, message in (("request_schema", channel.messages[0]), ("reply_schema", channel.replies[0])):
        if message.model is not None:
            described[name] = _schema(message.model, message.mode)
    return described


@cache  # models are what a pattern's file defines: a handful
def _schema(model: type[BaseModel], mode: JsonSchemaMode) -> str:
    return json.dumps(model.model_json_schema(mode=mode), separators=(",", ":"))
