"""JetStream in a few lines, and what Penstock uses of its client: every step of theirs is taken when a test says so.

A connection is two queues, what was sent and not handled yet, and what was answered and has not arrived yet, as TCP
is. A connection that is cut loses both. A server that is killed comes back without the last it had stored, been
acknowledged and counted; what it forgets is the same for all streams (each is a file of its own in truth).
"""

import asyncio
import json
import time
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import nats.errors
from nats.aio.msg import Msg

from penstock.jetstream import subjects

T = TypeVar("T")
Callback = Callable[[Msg], Awaitable[None]]

_WRITE_ONCE = (subjects.JOBS, subjects.STEPS, subjects.JOURNAL)
_REPUBLISHED = {subjects.JOURNAL: subjects.FACTS, subjects.EVENTS: subjects.LIVE}
_STAMP = "2026-11-25T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    """A message of a stream."""

    stream: str
    sequence: int
    subject: str
    data: bytes


@dataclass(frozen=True)
class Delivered:
    entry: Entry


@dataclass(frozen=True)
class Acknowledged:
    stream: str
    sequence: int


class Server:
    """One nats-server. All it knows is in `log`, in order; streams and consumers are read from it."""

    def __init__(self) -> None:
        self.log: list[Entry | Delivered | Acknowledged] = []
        self.subscriptions: list[Subscription] = []
        #: Messages of each stream that the replica which answers direct gets does not have yet.
        self.behind = 0
        self._began = time.time_ns()

    def entries(self, stream: str, *, behind: int = 0) -> list[Entry]:
        """As a replica has it that lags `behind` so many messages."""
        stored = [one for one in self.log if isinstance(one, Entry) and one.stream == stream]
        kept = stored[: len(stored) - behind]
        if stream in (subjects.STEPS, subjects.TIMERS):
            kept = [one for one in kept if not self._is_acknowledged(one)]
        return list({one.subject: one for one in kept}.values()) if stream == subjects.TIMERS else kept

    def queued(self, stream: str) -> list[Entry]:
        """What is to be delivered, again and again, until it is acknowledged."""
        wanted = {subjects.JOURNAL: ".signal.", subjects.TIMERS: ".due."}.get(stream, "")
        return [one for one in self.entries(stream) if wanted in one.subject and not self._is_acknowledged(one)]

    def scheduled(self) -> list[Entry]:
        return [one for one in self.entries(subjects.TIMERS) if ".set." in one.subject]

    def is_time(self, entry: Entry) -> None:
        """For what was scheduled: it is gone, and what is due is there."""
        self.log.append(Acknowledged(entry.stream, entry.sequence))
        self.store(entry.subject.replace(".set.", ".due."), b"")

    def deliveries(self, entry: Entry) -> int:
        return self.log.count(Delivered(entry))

    def deliver(self, entry: Entry, connection: "Connection") -> Msg:
        self.log.append(Delivered(entry))
        place = f"{self.deliveries(entry)}.{entry.sequence}.{entry.sequence}.{self._began}.0"
        reply = f"$JS.ACK.{entry.stream}.consumer.{place}"
        return Msg(connection, entry.subject, reply, entry.data)  # type: ignore[arg-type]

    def fact(self, subject: str) -> bytes | None:
        """The last message of a subject."""
        found = [one.data for one in self.entries(subjects.stream_of(subject)) if one.subject == subject]
        return found[-1] if found else None

    def store(self, subject: str, data: bytes) -> dict[str, Any]:
        """What is answered to a publish."""
        stream = subjects.stream_of(subject)
        of_subject = [one for one in self.entries(stream) if one.subject == subject]
        if stream in _WRITE_ONCE and of_subject:
            taken = "maximum messages per subject exceeded"
            return {"error": {"code": 503, "err_code": 10077, "description": taken}}
        sequence = 1 + max((e.sequence for e in self.log if isinstance(e, Entry) and e.stream == stream), default=0)
        self.log.append(entry := Entry(stream, sequence, subject, data))
        if stream in _REPUBLISHED:
            source, target = (name.removesuffix(">") for name in _REPUBLISHED[stream])
            before = of_subject[-1].sequence if of_subject else 0
            headers = {**_headers(entry), "Nats-Last-Sequence": str(before)}
            self._send(target + subject.removeprefix(source), data, headers)
        return {"seq": sequence}

    def publish(self, subject: str, data: bytes, reply: str) -> None:
        if subject.startswith("$JS.ACK."):
            if data in (b"", Msg.Ack.Ack, Msg.Ack.Term):
                _, _, stream, _, _, sequence, *_ = subject.split(".")
                self.log.append(Acknowledged(stream, int(sequence)))
        elif subject.startswith("$JS.API.DIRECT.GET."):
            self._direct_get(subject.rpartition(".")[2], json.loads(data), reply)
        else:
            raise AssertionError(f"a message for {subject}, which no stream has")

    def get(self, stream: str, query: dict[str, Any]) -> Any:
        found = [one for one in self.entries(stream) if _matches(_wanted(query), one.subject)]
        found = [one for one in found if one.sequence >= query.get("seq", 0)]
        if not found:
            answer: dict[str, Any] = {"error": {"code": 404, "err_code": 10037, "description": "no message found"}}
        else:
            one = found[-1 if "last_by_subj" in query else 0]
            data = b64encode(one.data).decode()
            answer = {"message": {"subject": one.subject, "seq": one.sequence, "data": data, "time": _STAMP}}
        return SimpleNamespace(data=json.dumps(answer).encode())

    def unsubscribe(self, subscription: "Subscription") -> None:
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)

    def _direct_get(self, stream: str, query: dict[str, Any], reply: str) -> None:
        found = [one for one in self.entries(stream, behind=self.behind) if one.sequence >= query["seq"]]
        if last := query.get("multi_last"):
            found = [one for one in found if any(_matches(subject, one.subject) for subject in last)]
            found = list({one.subject: one for one in found}.values())
        else:
            found = [one for one in found if _matches(query["next_by_subj"], one.subject)]
        for one in found:
            self._send(reply, one.data, _headers(one))
        self._send(reply, b"", {"Status": "204", "Nats-Num-Pending": "0"} if found else {"Status": "404"})

    def _send(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        for one in self.subscriptions:
            if _matches(one.subject, subject):
                message = Msg(one.connection, subject, "", data, headers)  # type: ignore[arg-type]
                one.connection.arriving.append(partial(one.receive, message))

    def _is_acknowledged(self, entry: Entry) -> bool:
        return Acknowledged(entry.stream, entry.sequence) in self.log


class Connection:
    """What Penstock uses of `nats.aio.client.Client`."""

    is_connected = True
    max_payload = 1 << 20

    def __init__(self, server: Server) -> None:
        self._server = server
        self.is_closed = False
        self.sent: deque[Callable[[], None]] = deque()
        self.arriving: deque[Callable[[], None]] = deque()
        self._subscriptions: list[Subscription] = []
        self._waiting: set[asyncio.Future[Any]] = set()
        self._inboxes = 0
        self.stats = {"reconnects": 0}

    def jetstream(self, timeout: float) -> Any:
        return None

    async def publish(self, subject: str, payload: bytes = b"", reply: str = "", headers: Any = None) -> None:
        self._check()
        self.sent.append(lambda: self._server.publish(subject, payload, reply))

    async def request(self, subject: str, payload: bytes, timeout: float, headers: Any = None) -> Any:
        if not subject.startswith("$JS.API."):
            return await self._ask(
                lambda: SimpleNamespace(data=json.dumps(self._server.store(subject, payload)).encode())
            )
        if not subject.startswith("$JS.API.STREAM.MSG.GET."):  # the server's time, which is ours here
            raise nats.errors.TimeoutError
        return await self._ask(lambda: self._server.get(subject.rpartition(".")[2], json.loads(payload)))

    async def subscribe(self, subject: str, cb: Callback | None = None, pending_bytes_limit: int = 0) -> "Subscription":
        self._check()
        self._subscriptions.append(subscription := Subscription(self, subject, cb))
        self.sent.append(lambda: self._server.subscriptions.append(subscription))
        return subscription

    def new_inbox(self) -> str:
        self._inboxes += 1
        return f"_INBOX.{id(self)}.{self._inboxes}"

    def cut(self) -> None:
        """What is on its way in either direction is lost; connected anew, it subscribes to what it had."""
        self.stats["reconnects"] += 1
        self._leave()
        self.sent.clear()
        had = [*self._subscriptions]
        self.sent.append(lambda: self._server.subscriptions.extend(had))
        for answer in [*self._waiting]:
            if not answer.done():
                answer.set_exception(nats.errors.TimeoutError())

    def close(self) -> None:
        """Its process is killed. What it has sent may still be handled."""
        self.is_closed = True
        self._leave()
        for answer in [*self._waiting]:
            if not answer.done():
                answer.set_exception(nats.errors.ConnectionClosedError())

    def forget(self, subscription: "Subscription") -> None:
        self._subscriptions.remove(subscription)
        self.sent.append(lambda: self._server.unsubscribe(subscription))

    async def wait(self, answer: asyncio.Future[T]) -> T:
        self._waiting.add(answer)
        try:
            return await answer
        finally:
            self._waiting.discard(answer)

    async def _ask(self, perform: Callable[[], Any]) -> Any:
        self._check()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def handled() -> None:
            result = perform()
            self.arriving.append(lambda: _settle(answer, result))

        self.sent.append(handled)
        return await self.wait(answer)

    def _check(self) -> None:
        if self.is_closed:
            raise nats.errors.ConnectionClosedError

    def _leave(self) -> None:
        self.arriving.clear()
        self._server.subscriptions[:] = [one for one in self._server.subscriptions if one.connection is not self]


class Subscription:
    """Messages to `cb`, or to a queue: to who waits in `next_msg`, or what hears them in its place."""

    def __init__(self, connection: Connection, subject: str, cb: Callback | None) -> None:
        self.connection, self.subject, self._cb = connection, subject, cb
        self._pending_queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._next: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    def receive(self, message: Msg) -> None:
        if self._cb is not None:
            self._tasks.add(task := asyncio.ensure_future(self._cb(message)))
            task.add_done_callback(self._tasks.discard)
            return
        self._pending_queue.put_nowait(message)
        if self._next is not None:
            _settle(self._next, None)

    async def next_msg(self, timeout: float) -> Msg:
        if self._pending_queue.empty():
            self._next = asyncio.get_running_loop().create_future()
            await self.connection.wait(self._next)
        return self._pending_queue.get_nowait()

    async def unsubscribe(self) -> None:
        self.connection.forget(self)


def _settle(answer: asyncio.Future[Any], result: Any) -> None:
    if not answer.done():
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


def _headers(entry: Entry) -> dict[str, str]:
    return {"Nats-Subject": entry.subject, "Nats-Sequence": str(entry.sequence), "Nats-Time-Stamp": _STAMP}


def _wanted(query: dict[str, Any]) -> str:
    return str(query.get("last_by_subj") or query["next_by_subj"])


def _matches(pattern: str, subject: str) -> bool:
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
