"""The events as they are, in the text/event-stream format (WHATWG HTML, section 9.2)."""

from collections.abc import AsyncGenerator

from penstock.contracts.events import TERMINAL
from penstock.contracts.job import Snapshot
from penstock.jobs.follow import DeliveredEvent, Follower

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform"}

#: A lone comment line. An empty line after it would be a message without data to some clients (httpx-sse once it
#: has an id, fetch-event-source always); so would one after `retry:`, which therefore leads the first event's block.
HEARTBEAT = ":\n"

#: Characters that some readers of lines take as line ends, as JSON escapes. A raw line end can only stand
#: between the tokens of a JSON text.
_LINE_ENDS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085", "\r": " ", "\n": " "})


async def server_sent(follower: Follower, *, after: int = 0) -> AsyncGenerator[str, None]:
    """Events with a place above `after`; a lone ":" while nothing happens.

    Where retention has dropped the beginning of the job, all events and snapshots, whatever `after` says.
    """
    yield "retry: 1000\n"  # milliseconds after which a client that lost its connection comes back
    async with follower:
        async for batch in follower:
            out: list[str] = [] if batch else [HEARTBEAT]
            for delivered in batch:
                is_late_end = isinstance(delivered.event, TERMINAL) and follower.caught_up
                if follower.truncated or delivered.place > after or is_late_end:
                    out.append(sse(delivered))
            yield "".join(out)


def sse(delivered: DeliveredEvent) -> str:
    """One event, with its cursor as id and `seq` as a last member; a snapshot has neither.

    The id stands last: fetch-event-source takes it over as it reads that line, and would skip the event when
    the connection breaks before the rest of it.
    """
    data = line(delivered.data.decode().rstrip())
    if isinstance(delivered.event, Snapshot):
        return f"event: snapshot\ndata: {data}\n\n"
    return f'event: {delivered.event.type}\ndata: {data[:-1]},"seq":{delivered.seq}}}\nid: {delivered.cursor}\n\n'


def line(text: str) -> str:
    """A JSON text as one line, for all that read lines."""
    return text if text.isascii() and "\n" not in text and "\r" not in text else text.translate(_LINE_ENDS)
