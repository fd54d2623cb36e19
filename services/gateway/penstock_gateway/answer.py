"""The answer about one job: its stream in the requested format, or its result or problem once it has ended."""

import asyncio

from fastapi.responses import JSONResponse, Response

from penstock import jobs
from penstock.cancelling import stop
from penstock.contracts.job import JobState
from penstock.contracts.wire import JobName
from penstock.document import Shape
from penstock.errors import Refused
from penstock.jobs.follow import end_is_published
from penstock.jobs.refusals import known
from penstock_gateway import json_text, problems, server_sent, ui_message
from penstock_gateway.parameters import Format
from penstock_gateway.state import Gateway
from penstock_gateway.streaming import GrowingResponse
from penstock_gateway.tool_calls import ToolCalls


async def stream(
    gateway: Gateway, pattern: str, job: JobName, wanted: Format, *, state: JobState | None = None, after: int = 0
) -> Response:
    """The job's stream. `state` is what is known of a job that was not submitted just now; `after` is for `sse`."""
    headers = {"X-Job-Id": job.id}
    ended = state is not None and state.ended
    follower = gateway.follow(job, publish_missing_end=state is not None)
    if wanted == "json":
        if state is not None and ended:
            return final(state, headers)
        shape = gateway.shapes.get(pattern) or Shape({}, {})  # of anything, if this replica does not know the pattern
        pieces = json_text.json_text(follower, shape)
        headers |= json_text.HEADERS
    elif wanted == "ui-message":
        pieces = ui_message.ui_message(follower, job.id, ToolCalls(gateway.bus, job, gateway.patterns.get(pattern)))
        headers |= ui_message.HEADERS
    else:
        if ended and after and await end_is_published(gateway.bus, job, after):
            return Response(status_code=204, headers=headers)
        pieces = server_sent.server_sent(follower, after=after)
        headers |= server_sent.HEADERS
    return GrowingResponse(pieces, headers, gateway.draining, gateway.streams.stream(wanted, follower))


def final(state: JobState, headers: dict[str, str]) -> Response:
    """The whole answer of a job that has ended."""
    if state.status == "completed":
        return JSONResponse(state.result, headers={"Cache-Control": "no-cache", **headers})
    problem = state.problem or Refused("job_cancelled", f"job {state.id} was cancelled").problem()
    return problems.response(problem.model_copy(update={"instance": f"/jobs/{state.id}", "job": state.id}), headers)


async def within(gateway: Gateway, job: JobName, seconds: float, *, new: bool) -> Response:
    """The result if the job ends within `seconds`, else 202, the job's address and its state.

    When this replica begins to drain, it waits no longer.
    """

    async def ended() -> None:
        async with gateway.follow(job, publish_missing_end=not new) as follower:
            async for _ in follower:
                pass

    if seconds > 0:
        waiting = [asyncio.ensure_future(ended()), asyncio.ensure_future(gateway.draining.wait())]
        try:
            done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await stop(*waiting)
    state = known(job.id, await jobs.look_up(gateway.bus, job))
    applied = f"respond-async, wait={seconds:g}" if seconds else "respond-async"
    headers = {"X-Job-Id": job.id, "Location": f"/jobs/{job.id}", "Preference-Applied": applied}
    if state.ended:
        return final(state, headers)
    return JSONResponse(state.model_dump(mode="json", by_alias=True), 202, headers=headers)
