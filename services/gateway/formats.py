"""The formats of a job's stream: JSON text as the seed has it, and server-sent events."""

from collections.abc import AsyncIterator

from penstock.contracts.events import JobCancelled, JobFailed
from penstock.document import Diverged, LinearJSON, Shape
from penstock.follow import Follower, Told
from services.gateway.streaming import Cut

JSON_HEADERS = {"Cache-Control": "no-cache", "Connection": "keep-alive"}
SSE_HEADERS = {"Cache-Control": "no-cache, no-transform"}

#: Characters that some readers of lines take as line ends, as JSON escapes.
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})


async def json_text(follower: Follower, shape: Shape) -> AsyncIterator[str]:
    """The result as one JSON text in document order, never taken back.

    Raises Cut where it cannot be completed: the job failed, or a retry contradicts what is out.
    """
    linear = LinearJSON(shape)
    async with follower:
        async for told in follower:
            if told is None:
                continue
            try:
                yield linear.feed(told.event)
            except Diverged as diverged:
                raise Cut(str(diverged)) from diverged
            if isinstance(told.event, JobFailed | JobCancelled):
                raise Cut(told.event.type)


async def server_sent(follower: Follower, *, after: int = 0) -> AsyncIterator[str]:
    """Events as they are, those with a sequence above `after`; a lone ":" while nothing happens."""
    async with follower:
        async for told in follower:
            if told is None:
                yield ":\n\n"
            elif told.sequence > after:
                yield sse(told)


def sse(told: Told) -> str:
    """One event in the text/event-stream format (WHATWG HTML, section 9.2)."""
    data = told.data.decode()
    return (
        f'id: {told.sequence}\nevent: {told.event.type}\ndata: {data[:-1].translate(_LINE_ENDS)},"seq":{told.seq}}}\n\n'
    )
