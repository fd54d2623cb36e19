"""The result as one JSON text that grows, as the seed has it."""

from collections.abc import AsyncGenerator

from penstock.contracts.events import JobCancelled, JobFailed
from penstock.document import Diverged, LinearJSON, Shape
from penstock.jobs.follow import Follower
from penstock_gateway.streaming import Aborted

HEADERS = {"Cache-Control": "no-cache", "Connection": "keep-alive"}


async def json_text(follower: Follower, shape: Shape) -> AsyncGenerator[str, None]:
    """The result in document order, never taken back.

    Raises Cut where it cannot be completed: the job failed, or a retry contradicts what is out.
    """
    linear = LinearJSON(shape)
    async with follower:
        async for batch in follower.batches():
            pieces: list[str] = []
            broken = ""
            for delivered in batch:
                try:
                    pieces.append(linear.feed(delivered.event))
                except Diverged as diverged:
                    broken = str(diverged)
                    break
                if isinstance(delivered.event, JobFailed | JobCancelled):
                    broken = delivered.event.type
            yield "".join(pieces)
            if broken:
                raise Aborted(broken)
    if not linear.completed:
        raise Aborted("the events ended without an end")
