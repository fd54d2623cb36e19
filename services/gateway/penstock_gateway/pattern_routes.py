"""`POST /<pattern>`: submit a job and have its result. `GET /patterns`: the contracts."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query, Request, params
from fastapi.responses import Response

from penstock import jobs
from penstock.contracts.job import PatternContract
from penstock.errors import Refused
from penstock.jobs.refusals import unknown_pattern
from penstock.jobs.submission import body_of, parse_request
from penstock.pattern import Pattern
from penstock_gateway import answer, body, chat, openapi
from penstock_gateway.authentication import Asking
from penstock_gateway.caller_limits import CallerRate
from penstock_gateway.parameters import Cursor, Key, Patience, Wanted
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import OwnTenant


def install(app: FastAPI, gateway: Gateway) -> None:
    counted = [Depends(CallerRate(gateway))]
    for pattern in gateway.patterns.values():
        _install(app, gateway, pattern, counted)

    listed = partial(app.get, tags=["patterns"])

    @listed("/patterns", summary="List patterns", operation_id="patterns", responses=openapi.problems())
    async def patterns() -> dict[str, str]:
        """The patterns there are, each with what it does."""
        return {pattern.name: pattern.summary for pattern in gateway.patterns.values()}

    unknown = openapi.problems("unknown_pattern")

    @listed("/patterns/{name}", summary="Schemas and example of a pattern", operation_id="pattern", responses=unknown)
    async def contract(name: str) -> PatternContract:
        """A pattern's request and result as JSON Schema, and an example."""
        if name not in gateway.patterns:
            raise unknown_pattern(name, gateway.patterns)
        return gateway.patterns[name].contract()


def _install(app: FastAPI, gateway: Gateway, pattern: Pattern[Any, Any], counted: Sequence[params.Depends]) -> None:
    @app.post(
        f"/{pattern.name}",
        tags=["patterns"],
        summary=pattern.summary,
        operation_id=pattern.name,
        response_class=Response,
        responses=gateway.description.submitted(pattern),
        openapi_extra=gateway.description.request(pattern),
        dependencies=counted,
    )
    async def submitted(
        request: Request, caller: Asking, wanted: Wanted, cursor: Cursor, key: Key, patience: Patience
    ) -> Response:
        """The result, as it grows, in the format that `Accept` or `protocol` asks for.

        Closing the connection does not stop the job: follow it again at `/jobs/{X-Job-Id}/stream`.
        """
        raw = await body.read(request, gateway.settings)
        async with gateway.turn(len(raw)):
            sent = chat.translate(pattern, raw)
            parsed = parse_request(gateway.patterns, pattern.name, sent.body if sent else raw, gateway.settings)
            job_body = body_of(parsed)
        bus = gateway.bus
        if key is None:
            job = await gateway.admission.new(caller.tenant, most=caller.limits.jobs, paying=caller.paying_key)
        else:
            job = jobs.job_of(key, pattern.name, caller.tenant)
            try:
                await gateway.admission.check(job, most=caller.limits.jobs, paying=caller.paying_key)
            except Refused:
                if await jobs.look_up(bus, job) is None:  # a job that is there is no new one
                    raise
        if sent is not None and sent.chat is not None:
            await chat.remember(bus, pattern.name, sent.chat, job)
        request.state.job = job.id  # it may be stored, whatever becomes of this request (see problems.py)
        new = await jobs.submit(bus, pattern.name, job, job_body, keyed=key is not None, paying=caller.paying_key)
        # without a key nobody else can have this job: a first try, whose answer was lost, has stored it
        new = new or key is None
        if patience is not None:
            return await answer.within(gateway, job, patience, new=new)
        if sent is not None and "protocol" not in request.query_params:
            wanted = "ui-message"  # only useChat sends such a body
        state = None if new else await jobs.look_up(bus, job)
        return await answer.stream(gateway, pattern.name, job, wanted, state=state, after=cursor)

    @app.get(
        f"/{pattern.name}/{{chat:path}}/stream",
        tags=["chats"],
        summary="What useChat reconnects to",
        operation_id=f"{pattern.name}-chat",
        response_class=Response,
        responses=openapi.chat(),
    )
    async def reconnected(
        tenant: OwnTenant,
        chat_id: Annotated[str, Path(alias="chat", description="The chat's id, as useChat sent it.")],
        _: Annotated[Literal["ui-message"], Query(alias="protocol")] = "ui-message",
    ) -> Response:
        """The stream of the chat's latest message from its start; 204 if nothing of the chat is running."""
        job = await chat.job_of(gateway.bus, tenant, pattern.name, chat_id)
        state = await jobs.look_up(gateway.bus, job) if job else None
        if job is None or state is None or state.ended:
            return Response(status_code=204)
        return await answer.stream(gateway, pattern.name, job, "ui-message", state=state)
