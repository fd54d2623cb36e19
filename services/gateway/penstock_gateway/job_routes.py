"""`/jobs`: list jobs, look at one, follow it, say something to it, cancel it, retry it."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.responses import Response

from penstock import jobs
from penstock.contracts.job import JobPage, JobState, JobStatus
from penstock.contracts.problem import FieldError
from penstock.contracts.waiting import Signal
from penstock.contracts.wire import TOKEN_PATTERN
from penstock.jobs.refusals import known
from penstock_gateway import answer, body, openapi
from penstock_gateway.authentication import Asking
from penstock_gateway.caller_limits import CallerRate
from penstock_gateway.parameters import Cursor, Moment, Wanted
from penstock_gateway.problems import invalid_parameter
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import Job, SeenTenant


def install(app: FastAPI, gateway: Gateway) -> None:
    routes = APIRouter(prefix="/jobs", tags=["jobs"])
    counted = [Depends(CallerRate(gateway))]
    of_a_job = openapi.problems("unknown_job")

    async def looked_up(job: Job) -> JobState:
        return known(job.id, await jobs.look_up(gateway.bus, job))

    Known = Annotated[JobState, Depends(looked_up)]

    @routes.get("", summary="List jobs", operation_id="jobs", responses=openapi.problems())
    async def list_jobs(
        tenant: SeenTenant,
        pattern: Annotated[str | None, Query(pattern=TOKEN_PATTERN, description="Jobs of this pattern.")] = None,
        status: Annotated[JobStatus | None, Query(description="Jobs in this state.")] = None,
        since: Annotated[
            Moment | None, Query(description="Submitted at or after this time: RFC 3339, or Unix seconds.")
        ] = None,
        until: Annotated[Moment | None, Query(description="Submitted before this time.")] = None,
        limit: Annotated[int, Query(ge=1, le=100, description="At most so many jobs.")] = 20,
        cursor: Annotated[
            str | None, Query(pattern=r"^[0-9]{1,18}(\.[0-9]{1,18}){0,63}$", description="`next` of the page before.")
        ] = None,
    ) -> JobPage:
        """Jobs of the last days, newest first; for an admin those of all tenants, unless one is named.

        Work is bounded: a page may have fewer jobs than `limit`, even none, and still a `next`.
        """
        if cursor and cursor.count(".") + 1 != gateway.bus.partitions.count:
            raise invalid_parameter(FieldError(pointer="/query/cursor", detail="it is the `next` of a page before"))
        times = {"since": _unix(since) if since else None, "until": _unix(until) if until else None}
        async with gateway.listing:
            return await jobs.page(
                gateway.bus, tenant=tenant, pattern=pattern, status=status, **times, limit=limit, cursor=cursor
            )

    @routes.get("/{job}", summary="State of a job", operation_id="job", responses=of_a_job)
    async def look_up(job: Job) -> JobState:
        """A job's state, its steps, and its result or problem once it has ended; of a running job, what waits."""
        return known(job.id, await jobs.look_up_with_queue(gateway.bus, job))

    @routes.get("/{job}/request", summary="Request of a job", operation_id="request", responses=of_a_job)
    async def requested(job: Job) -> Any:
        """The body that the job was submitted with."""
        return Response(known(job.id, await jobs.request_of(gateway.bus, job)), media_type="application/json")

    @routes.delete("/{job}", summary="Cancel a job", operation_id="cancel", responses=of_a_job)
    async def cancel(job: Job) -> JobState:
        """End a job as cancelled; its model calls are closed. One that has ended stays as it is.

        The answer is the state after that, with its `status`.
        """
        return known(job.id, await jobs.cancel(gateway.bus, job))

    @routes.post(
        "/{job}/signals/{signal}",
        summary="Say something to a job",
        operation_id="signal",
        responses=openapi.signalled(),
        openapi_extra=openapi.SIGNAL,
        dependencies=counted,
    )
    async def said(
        job: Job, signal: Annotated[str, Path(description="The signal's name.")], request: Request
    ) -> Signal:
        """What the job waits for, or will: a signal of its pattern, with a body that fits it (`/patterns/<name>`).

        The first one counts, and is the answer; the same once more changes nothing. It may come before the wait.
        """
        raw = await body.read(request, gateway.settings)
        async with gateway.turn(len(raw)):
            return await jobs.signal(gateway.bus, gateway.patterns, job, signal, raw)

    refusals = openapi.problems("unknown_job", "not_failed", "no_room", "overloaded", *openapi.LIMITS)

    @routes.post(
        "/{job}/retry",
        status_code=202,
        summary="Retry a job",
        operation_id="retry",
        responses=refusals,
        dependencies=counted,
    )
    async def retry(job: Job, caller: Asking, response: Response) -> JobState:
        """Submit a job that failed, or was cancelled, once more: as a job of its own, which is answered.

        What the first one has finished is not done again. Asked for again it is the same new job, unless that has
        failed as well.
        """
        paying = caller.paying_key
        admit = partial(gateway.admission.check, most=caller.limits.jobs, paying=paying)
        state = known(job.id, await jobs.retry(gateway.bus, job, admit=admit, paying=paying))
        response.headers.update({"Location": f"/jobs/{state.id}", "X-Job-Id": state.id})
        return state

    followed = partial(routes.get, response_class=Response)

    @followed("/{job}/events", summary="Events of a job", operation_id="events", responses=openapi.events())
    async def events(job: Job, after: Cursor, state: Known) -> Response:
        """The job's events, live, after the one that `Last-Event-ID` or `?after=` names; 204 past the end."""
        return await answer.stream(gateway, state.pattern, job, "sse", state=state, after=after)

    @followed("/{job}/stream", summary="Stream of a job", operation_id="stream", responses=gateway.description.stream())
    async def follow(job: Job, wanted: Wanted, after: Cursor, state: Known) -> Response:
        """The job's stream in the requested format; JSON text and UI messages start from its beginning."""
        return await answer.stream(gateway, state.pattern, job, wanted, state=state, after=after)

    app.include_router(routes)


def _unix(time: datetime) -> float:
    """A time without a zone is UTC."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
