"""One durable consumer as a process pulls from it."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header

from penstock.backoff import delay
from penstock.jetstream.hearing import subscribe

log = logging.getLogger(__name__)

Handle = Callable[[Msg], Coroutine[Any, Any, Any]]

#: Seconds a waiting request stays at the server: also how long a group that has become busy may still be given one.
_EXPIRES = 2.0
#: Seconds for which requests name one inbox, then the other. By an inbox's next turn its own are answered, or lost.
_TURN = _EXPIRES + 2.0
#: Bytes of messages requested at once, a quarter of what the server keeps for a connection (max_pending).
_BYTES = 16 * 1024**2
#: What the server calls (as 409) the end of a request for so many bytes.
_ENDED = ("Batch Completed", "Message Size Exceeds MaxBytes")
#: Seconds before the next request to a consumer that does not exist or refuses: the first pause, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
#: Seconds that what the server is just sending may take to arrive.
_LAST_ARRIVALS = 1.0


class _Inbox:
    """`requested`: messages that requests with this inbox have asked for, and that are not answered yet."""

    def __init__(self, connection: Client) -> None:
        self.name = connection.new_inbox()
        self.requested = 0
        self.subscription: Subscription | None = None


class Source:
    """One durable consumer and the inboxes of its answers.

    There are two, by turns: a message does not say which request it answers, so that of a lost one would else be taken
    from a later one for ever.

    Each message goes to `received`; `changed` is called when no request is left, or one may be made again. `handle`,
    `weight` and `aside` are kept for whoever runs the messages (penstock.jetstream.pull.PullGroup).
    """

    def __init__(
        self,
        connection: Client,
        stream: str,
        durable: str,
        handle: Handle,
        *,
        received: Callable[["Source", Msg], None],
        changed: Callable[["Source"], None],
        weight: int = 1,
        aside: Handle | None = None,
    ) -> None:
        self._connection, self._durable, self.handle = connection, durable, handle
        self._received, self._changed = received, changed
        self.weight, self.aside = weight, aside
        #: The number of the last turn it had.
        self.turn = 0
        #: Messages that NATS had for it after the last that came; 0 where it had none.
        self.pending = 0
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox, self._other = _Inbox(connection), _Inbox(connection)
        #: Set when all that was requested is answered, or must be taken as lost.
        self.answered = asyncio.Event()
        self._turn: asyncio.TimerHandle | None = None
        #: Whether no request is made for a while, since the last one was refused.
        self.backing_off = False
        self._refusals = 0

    @property
    def requested(self) -> int:
        """Messages requested and not answered yet."""
        return self._inbox.requested + self._other.requested

    @property
    def may_request(self) -> bool:
        """Whether no request is on its way, and none was just refused."""
        return not (self.requested or self.backing_off)

    async def open(self) -> None:
        for inbox in (self._inbox, self._other):
            inbox.subscription = await subscribe(self._connection, inbox.name, partial(self._hear, inbox))

    async def aclose(self) -> None:
        """Request nothing more; what the server has sent already still arrives, so that it can be handed back.

        What takes longer than a second to arrive is not received: the server delivers it again.
        """
        if self._turn is not None:
            self._turn.cancel()
        subscriptions = [inbox.subscription for inbox in (self._inbox, self._other) if inbox.subscription]
        self._inbox.subscription = self._other.subscription = None
        if not subscriptions or self._connection.is_closed:
            return
        # What `Subscription.drain` does, without its flush. A lost connection is not this one's to report.
        ended = (self._connection._send_unsubscribe(one._id) for one in subscriptions)
        await asyncio.gather(*ended, return_exceptions=True)
        await self.caught_up()
        await asyncio.gather(*(one.unsubscribe() for one in subscriptions), return_exceptions=True)

    async def caught_up(self) -> None:
        """Return when all that the server has sent so far has been received, or it is gone."""
        try:
            # A message to ourselves comes behind all that was sent before. Not `flush`: one that times out or is
            # cancelled ends the connection's read loop (docs/nats-py.md).
            inbox = self._connection.new_inbox()
            echo = await self._connection.subscribe(inbox)
            try:
                await self._connection.publish(inbox, b"")
                await echo.next_msg(_LAST_ARRIVALS)
                await asyncio.sleep(0)
            finally:  # not by max_msgs: of that nats-py does not tell the server
                await echo.unsubscribe()
        except Exception as error:
            log.info("NATS does not answer", extra={"error": repr(error)})

    async def request(self, batch: int, *, wait: bool) -> None:
        """Request `batch` messages: those there now, or (`wait`) also those that come within _EXPIRES."""
        self._inbox.requested += batch
        self.answered.clear()
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(_TURN, self._take_turns)
        how = {"expires": int(_EXPIRES * 1e9)} if wait else {"no_wait": True}
        # of less than the largest message the server would send none
        query = {"batch": batch, "max_bytes": max(_BYTES, 2 * self._connection.max_payload), **how}
        await self._connection.publish(self._next, json.dumps(query).encode(), reply=self._inbox.name)

    def forget(self) -> None:
        """Take requests as lost: new ones may be made at once."""
        self._inbox.requested = self._other.requested = self._refusals = self.pending = 0
        self.answered.set()
        self._resume()

    def _take_turns(self) -> None:
        lost, self._other.requested, self._turn = self._other.requested, 0, None
        self._inbox, self._other = self._other, self._inbox
        if lost:
            log.info("a request was lost", extra={"consumer": self._durable, "messages": lost})
            self._changed(self)
        if self.requested:
            self._turn = asyncio.get_running_loop().call_later(_TURN, self._take_turns)
        else:
            self.answered.set()

    def _hear(self, inbox: _Inbox, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status") if not message.reply else None
        if status is None:
            inbox.requested = max(0, inbox.requested - 1)
            self._refusals = 0
            metadata = message.metadata
            # of what is delivered again, NATS does not say how much there is
            self.pending = metadata.num_pending or int(metadata.num_delivered > 1)
            self._received(self, message)
        elif status == "100":  # idle heartbeat
            return
        elif status in ("404", "408") or headers.get(Header.DESCRIPTION) in _ENDED:
            # All end one request; 408 and 409 say how much of it was not filled. (404 need not: it answers a request
            # without waiting, beside which there is no other.)
            pending = headers.get("Nats-Pending-Messages")
            inbox.requested = max(0, inbox.requested - int(pending)) if pending else 0
            if status != "409":
                self.pending = 0
        else:
            # 503: there is no such consumer. 409: it was deleted, or its leader changes, or it has too many requests.
            # A request made at once would be refused again; meanwhile the others are not kept waiting for this one.
            self._refusals += 1
            pause = delay(self._refusals, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
            why = headers.get(Header.DESCRIPTION, "no such consumer")
            log.warning("cannot pull; next request in %.2f s", pause, extra={"consumer": self._durable, "why": why})
            self._inbox.requested = self._other.requested = self.pending = 0
            self.backing_off = True
            asyncio.get_running_loop().call_later(pause, self._resume)
        if self.requested == 0:
            self.answered.set()
            self._changed(self)

    def _resume(self) -> None:
        self.backing_off = False
        self._changed(self)
