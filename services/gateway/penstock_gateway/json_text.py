"""The result as one JSON text that grows: what `useObject` reads."""

from collections.abc import AsyncGenerator

from penstock.contracts.job import Snapshot
from penstock.document import LinearJSON, Shape
from penstock.errors import Diverged
from penstock.jobs.follow import Follower
from penstock_gateway.streaming import Aborted

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache"}


async def json_text(follower: Follower, shape: Shape) -> AsyncGenerator[str, None]:
    """The result in document order, never taken back.

    Raises Aborted where it cannot be completed: the job has no result, or what was sent is void.
    """
    linear = LinearJSON(shape)
    async with follower:
        async for batch in follower:
            try:
                text = linear.feed(*(one.event for one in batch if not isinstance(one.event, Snapshot)))
            except Diverged as diverged:
                raise Aborted(str(diverged)) from diverged
            yield text
    if not linear.completed:
        raise Aborted("the job has no result")
