"""The result as one JSON text that grows, as the seed has it."""

from collections.abc import AsyncGenerator

from penstock.contracts.events import JobCancelled, JobFailed
from penstock.document import Diverged, LinearJSON, Shape
from penstock.follow import Follower
from services.gateway.streaming import Cut

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
            for told in batch:
                try:
                    pieces.append(linear.feed(told.event))
                except Diverged as diverged:
                    broken = str(diverged)
                    break
                if isinstance(told.event, JobFailed | JobCancelled):
                    broken = told.event.type
            yield "".join(pieces)
            if broken:
                raise Cut(broken)
    if not linear.completed:
        raise Cut("the events ended without an end")
