"""`/jobs`: look at a job, follow it, cancel it."""

from typing import Any

from fastapi import FastAPI, Request, Response

from penstock import jobs, subjects
from penstock.contracts.job import JobState
from services.gateway.pattern_routes import stream
from services.gateway.problems import Refused
from services.gateway.state import Gateway


def install(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/jobs/{job}", tags=["jobs"], response_model=JobState)
    async def look_up(job: str) -> JobState:
        """A job's state, its steps, and its result or problem once it has ended."""
        return await _known(gateway, job)

    @app.get("/jobs/{job}/stream", tags=["jobs"], response_class=Response)
    async def follow(job: str, request: Request) -> Any:
        """The job's stream from its beginning, in the format that `Accept` asks for."""
        state = await _known(gateway, job)
        return stream(gateway, request, state.pattern, job)


async def _known(gateway: Gateway, job: str) -> JobState:
    state = await jobs.look_up(gateway.bus, job) if subjects.is_token(job) else None
    if state is None:
        raise Refused(404, "unknown_job", "There is no such job", f"no job {job!r}, or it is past its retention")
    return state
