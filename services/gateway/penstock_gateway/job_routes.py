"""`/jobs`: list jobs, look at one, follow it, cancel it."""

import base64
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from penstock import jobs
from penstock.contracts.job import JobPage, JobState, JobStatus
from penstock.contracts.wire import TOKEN_PATTERN, is_token
from penstock_gateway import answer
from penstock_gateway.negotiation import cursor, wanted_format
from penstock_gateway.problems import invalid_parameter, unknown_job
from penstock_gateway.state import Gateway


def install(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/jobs", tags=["jobs"], operation_id="jobs", response_model=JobPage)
    async def list_jobs(
        pattern: Annotated[str | None, Query(pattern=TOKEN_PATTERN, description="Jobs of this pattern.")] = None,
        status: Annotated[JobStatus | None, Query(description="Jobs in this state.")] = None,
        since: Annotated[
            datetime | None, Query(description="Submitted at or after this time: RFC 3339, or Unix seconds.")
        ] = None,
        until: Annotated[datetime | None, Query(description="Submitted before this time.")] = None,
        limit: Annotated[int, Query(ge=1, le=100, description="At most so many jobs.")] = 20,
        cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
    ) -> JobPage:
        """Jobs of the last days, newest first.

        Work is bounded: a page may have fewer jobs than `limit`, even none, and still a `next`.
        """
        wanted = jobs.Wanted(pattern=pattern, status=status, since=_unix(since), until=_unix(until))
        before = _decoded(cursor) if cursor else None
        found, following = await jobs.page(gateway.bus, wanted, limit=limit, before=before)
        return JobPage(jobs=tuple(found), next=_encoded(following) if following else None)

    @app.get("/jobs/{job}", tags=["jobs"], operation_id="job", response_model=JobState)
    async def look_up(job: str) -> JobState:
        """A job's state, its steps, and its result or problem once it has ended."""
        return await _known(gateway, job)

    @app.delete("/jobs/{job}", tags=["jobs"], operation_id="cancel", response_model=JobState)
    async def cancel(job: str) -> JobState:
        """End a job as cancelled; its model calls are closed. One that has ended stays as it is.

        The answer is the state after that: look at `status`.
        """
        state = await jobs.cancel(gateway.bus, job) if is_token(job) else None
        if state is None:
            raise unknown_job(job)
        return state

    @app.get("/jobs/{job}/events", tags=["jobs"], operation_id="events", response_class=Response)
    async def events(job: str, request: Request) -> Response:
        """The job's events, live, after the one that `Last-Event-ID` or `?after=` names; 204 past the end."""
        cursor(request)
        state = await _known(gateway, job)
        return await answer.stream(gateway, request, state.pattern, job, "sse", state=state)

    @app.get("/jobs/{job}/stream", tags=["jobs"], operation_id="stream", response_class=Response)
    async def follow(job: str, request: Request) -> Response:
        """The job's stream in the format asked for; as JSON text and UI messages from its beginning."""
        wanted = wanted_format(request)
        cursor(request)
        state = await _known(gateway, job)
        return await answer.stream(gateway, request, state.pattern, job, wanted, state=state)


async def _known(gateway: Gateway, job: str) -> JobState:
    state = await jobs.look_up(gateway.bus, job) if is_token(job) else None
    if state is None:
        raise unknown_job(job)
    return state


def _unix(time: datetime | None) -> float | None:
    """A time without a zone is UTC."""
    if time is None:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _encoded(sequence: int) -> str:
    return base64.urlsafe_b64encode(b"j%d" % sequence).decode().rstrip("=")


def _decoded(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        if text[:1] == b"j" and text[1:].isdigit() and len(text) < 20:
            return int(text[1:])
    except ValueError:
        pass
    raise invalid_parameter("/query/cursor", "the `next` of a page")
