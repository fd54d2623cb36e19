"""NATS JetStream as Penstock uses it: write once, append, read back.

Reads, `once` and `append` raise BusUnavailable when NATS has not answered within `timeout` seconds, all tries included,
or refuses because of trouble of its own, such as a full disk; `publish` is one try. A publish whose answer was lost is
repeated. So `append` may store a message twice (readers drop a repeated event), and `once` may be refused because of
its own first try (its callers read what is there).
"""

import asyncio
import logging
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from email.parser import HeaderParser
from functools import partial
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.js.client import JetStreamContext
from nats.js.errors import APIError
from pydantic_core import from_json, to_json

from penstock.backoff import delay
from penstock.cancelling import stop
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream.hearing import Hear, subscribe
from penstock.jetstream.partitions import Partitions, logical, stream_of
from penstock.jetstream.releases import signed
from penstock.jetstream.server_time import TOLERATED, ServerTime
from penstock.jetstream.storage import UNREACHABLE, Storage, is_passing, is_subject_taken
from penstock.jetstream.stored import Stored

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds to wait for one answer: also how long a call goes on waiting that was under way when the server went down.
_ANSWER = 2.0
#: Seconds before the first further try, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
#: Messages, and bytes of them, requested at once: the server drops a connection that has max_pending still to take.
_BATCH, _BATCH_BYTES = 256, 128 * 1024
#: The server's error number for a message that is not there.
_NO_MESSAGE = 10037


class Bus:
    """One connection. `timeout`: seconds after which a publish or a read gives up.

    `time` is NATS's, `storage` what it has no room for; `of` is another bus on the same connection that shares both.
    Subjects are those of penstock.jetstream.subjects, in whichever of the `partitions`.
    """

    def __init__(
        self,
        connection: Client,
        *,
        timeout: float = 30.0,
        partitions: Partitions = Partitions(),  # noqa: B008
        of: "Bus | None" = None,
    ) -> None:
        self.connection = connection
        self.partitions: Partitions = of.partitions if of else partitions
        self.time: ServerTime = of.time if of else ServerTime()
        self.storage: Storage = of.storage if of else Storage(connection)
        self.jetstream: JetStreamContext = connection.jetstream(timeout=_ANSWER)
        self.timeout = timeout
        self._on_reconnect: set[Callable[[], None]] = set()

    @property
    def trouble(self) -> str | None:
        """Why this process can do no work just now."""
        if not self.connection.is_connected:
            return "not connected to NATS"
        if abs(self.time.skew) > TOLERATED:
            return f"this machine's clock is {self.time.skew:+.0f} s off NATS's"
        return self.storage.trouble

    @property
    def max_body(self) -> int:
        """Bytes of one message, of which 4,096 are left for its headers."""
        return self.connection.max_payload - 4096

    async def once(self, subject: str, payload: bytes, *, headers: dict[str, str] | None = None) -> bool:
        """Store the first message of a write-once subject. False: there is one already.

        On a cluster the refusal can be about a message that was proposed and is never committed, so it is believed
        once the stream's leader shows that message; until then the publish is repeated. Raises as `append` does.
        """

        async def attempt() -> bool:
            try:
                await self.publish(subject, payload, headers=signed(headers))
            except APIError as error:
                if not is_subject_taken(error):
                    raise
                if await self._get(last_by_subj=self.partitions.one(subject)) is None:
                    raise nats.errors.TimeoutError from error
                return False
            return True

        return await self.retrying(f"publish to {subject}", attempt)

    async def append(self, subject: str, payload: bytes, *, headers: dict[str, str] | None = None) -> int:
        """Store a message and return its sequence in the stream.

        Raises Failure("output_too_large") for more than the server takes, APIError for what it refuses.
        """
        return await self.retrying(f"publish to {subject}", lambda: self.publish(subject, payload, headers=headers))

    async def publish(self, subject: str, payload: bytes, *, headers: dict[str, str] | None = None) -> int:
        """One try at `append`: raises one of UNREACHABLE when the answer did not come, or it is not this one's turn."""
        if len(payload) > self.max_body:
            too_large = f"{len(payload)} bytes for {subject}; the server takes {self.connection.max_payload}"
            raise Failure("output_too_large", too_large)
        return int((await self.put(subject, payload, headers))["seq"])

    async def put(self, subject: str, payload: bytes, headers: dict[str, str] | None) -> dict[str, Any]:
        """The same of any size, with all that the stream answers; nats-py's own publish makes an object of that."""
        stored = self.partitions.one(subject)

        async def attempt() -> dict[str, Any]:
            reply = await self.connection.request(stored, payload, _ANSWER, headers=headers)
            answer: dict[str, Any] = from_json(reply.data)
            if error := answer.get("error"):
                APIError.from_error(error)
            return answer

        return await self.storage.publish(stream_of(stored), attempt)

    async def last_from_leader(self, subject: str) -> Stored | None:
        """The last message of `subject` (wildcards allowed, but for the job), as the stream's leader has it."""
        return await self.retrying(f"read {subject}", partial(self._get, last_by_subj=self.partitions.one(subject)))

    async def last_from_any_replica(self, wanted: Sequence[str]) -> list[Stored]:
        """The last message of each of up to 1,024 subjects that has one, oldest first in each stream.

        On a cluster any replica answers, one that lags included: to show, not to decide by.
        """
        return [stored async for stored in self.each_last_from_any_replica(wanted)]

    async def each_last_from_any_replica(self, wanted: Sequence[str]) -> AsyncIterator[Stored]:
        """The same, not held together."""
        for stream, some in self.partitions.by_stream(wanted).items():
            async for stored in self._read(stream, {"multi_last": some}):
                yield stored

    async def history(self, subject: str, *, after: int = 0, until: int | None = None) -> AsyncIterator[Stored]:
        """Messages of `subject` (wildcards allowed) with a sequence above `after`, in order, up to `until`.

        Not given: up to the last that the stream's leader has at the call. They come in batches, from any replica; what
        that does not have yet comes from the leader. Of all jobs: partition after partition, and only all of them.
        """
        several = self.partitions.each(subject) if after == 0 and until is None else [self.partitions.one(subject)]
        for one in several:
            async for stored in self._history(one, after, until):
                yield stored

    async def _history(self, subject: str, after: int, until: int | None) -> AsyncIterator[Stored]:
        if until is None:
            end = await self.last_from_leader(subject)
            until = end.sequence if end else 0
        if after >= until:
            return
        async for stored in self._read(stream_of(subject), {"next_by_subj": subject, "batch": _BATCH}, start=after + 1):
            if stored.sequence > until:
                return
            yield stored
            after = stored.sequence
        while after < until:
            asking = partial(self._get, next_by_subj=subject, seq=after + 1)
            behind = await self.retrying(f"read {subject}", asking)
            if behind is None or behind.sequence > until:
                return
            yield behind
            after = behind.sequence

    async def first(self, subject: str, *, after: int = 0, since: float | None = None) -> Stored | None:
        """The first message of `subject` behind sequence `after`, or stored at `since` (Unix seconds) or later."""
        start = {"seq": after + 1} if since is None else {"start_time": datetime.fromtimestamp(since, UTC).isoformat()}
        stored = self.partitions.one(subject)
        asking = partial(self._direct_get, stream_of(stored), {"next_by_subj": stored, "batch": 1} | start)
        found, _ = await self.retrying(f"read {subject}", asking)
        return found[0] if found else None

    async def unsubscribe(self, subscription: Subscription) -> None:
        if not self.connection.is_closed:
            await subscription.unsubscribe()
        subscription._message_iterator = None  # a cycle (docs/nats-py.md)

    def on_reconnect(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each reconnection, when messages may have been missed. Returns its removal."""
        self._on_reconnect.add(callback)
        return lambda: self._on_reconnect.discard(callback)

    async def subscribe(self, subject: str, hear: Hear) -> Subscription:
        """To be ended with `unsubscribe`. `hear` is called where messages are read: it is to be short."""
        return await self.retrying(f"subscribe to {subject}", partial(subscribe, self.connection, subject, hear))

    @asynccontextmanager
    async def following(self, read: Callable[[], Awaitable[None]], hear: Hear, *subjects: str) -> AsyncIterator[None]:
        """Within it, `hear` is given each message of `subjects`.

        `read` is called at the entry and after each reconnection: it reads what was published before, or missed.
        """
        turn, readings = asyncio.Lock(), list[asyncio.Task[None]]()

        async def read_again() -> None:
            async with turn:
                while True:
                    try:
                        return await read()
                    except Exception:
                        log.exception("could not read again after a reconnection; trying on")
                        await asyncio.sleep(_LONGEST_PAUSE)

        async with AsyncExitStack() as stack:
            for subject in subjects:
                stack.push_async_callback(self.unsubscribe, await self.subscribe(subject, hear))
            stack.push_async_callback(lambda: stop(*readings))
            loop = asyncio.get_running_loop()
            stack.callback(self.on_reconnect(lambda: readings.append(loop.create_task(read_again()))))
            # after the subscription, so that nothing in between is missed
            await read()
            yield

    async def reconnected(self) -> None:
        """To be given to the connection as its `reconnected_cb`."""
        log.info("reconnected to NATS")
        for callback in list(self._on_reconnect):
            callback()
        with suppress(*UNREACHABLE):
            await self.time.read(self.connection)

    async def _read(self, stream: str, query: dict[str, Any], start: int = 1) -> AsyncIterator[Stored]:
        """The messages from sequence `start` on that a direct get answers `query` with, batch after batch."""
        more = True
        while more:
            messages, more = await self.retrying(
                f"read {stream}", partial(self._direct_get, stream, query | {"seq": start, "max_bytes": _BATCH_BYTES})
            )
            for message in messages:
                yield message
                start = message.sequence + 1

    async def _direct_get(self, stream: str, query: dict[str, Any]) -> tuple[list[Stored], bool]:
        """One batch (ADR-31 of nats-architecture-and-design), and whether there is more."""
        inbox = self.connection.new_inbox()
        answers = await self.connection.subscribe(inbox)
        found: list[Stored] = []
        try:
            await self.connection.publish(f"$JS.API.DIRECT.GET.{stream}", to_json(query), reply=inbox)
            while True:
                answer = await answers.next_msg(_ANSWER)
                headers = answer.headers or {}
                match headers.get("Status"):
                    case None:
                        found.append(Stored.of(answer))
                    case "204":  # the end of this batch
                        return found, bool(found) and int(headers.get("Nats-Num-Pending", "0")) > 0
                    case "404":  # no such message
                        return found, False
                    case "503":
                        raise nats.errors.NoRespondersError
                    case _:
                        raise RuntimeError(f"direct get from {stream}: {headers}")
        finally:
            await self.unsubscribe(answers)

    async def _get(self, **query: Any) -> Stored | None:
        """One message from its stream's leader."""
        asking = f"$JS.API.STREAM.MSG.GET.{stream_of(query.get('last_by_subj') or query['next_by_subj'])}"
        answer = from_json((await self.connection.request(asking, to_json(query), _ANSWER)).data)
        if error := answer.get("error"):
            if error.get("err_code") == _NO_MESSAGE:
                return None
            APIError.from_error(error)
        message = answer["message"]
        data, head = (b64decode(message.get(part, "")) for part in ("data", "hdrs"))
        headers = dict(HeaderParser().parsestr(head.decode().partition("\r\n")[2]))
        return Stored(logical(message["subject"]), message["seq"], data, message["time"], headers)

    async def retrying(self, what: str, action: Callable[[], Awaitable[_T]]) -> _T:
        """Try `action` until NATS answers it, within the bus's timeout."""
        clock = asyncio.get_running_loop()
        tries, deadline = 0, clock.time() + self.timeout
        while True:
            try:
                return await action()
            except Exception as error:
                if not is_passing(error):
                    raise
                tries += 1
                pause = delay(tries, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
                if self.connection.is_closed or clock.time() + pause > deadline:
                    raise BusUnavailable(f"could not {what} in {tries} tries: {error!r}"[:500]) from error
            await asyncio.sleep(pause)
