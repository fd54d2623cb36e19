"""One durable consumer as a process pulls from it."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from penstock.backoff import delay

log = logging.getLogger(__name__)

Handle = Callable[[Msg], Coroutine[Any, Any, Any]]

#: Seconds a waiting request stays at the server: also how long a group that has become busy may still be given one.
_EXPIRES = 2.0
#: Seconds after the last request at which all that is not answered is taken as lost.
_LOST = _EXPIRES + 3.0
#: Seconds before the next request to a consumer that does not exist or refuses: the first pause, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
#: Seconds that what the server is just sending may take to arrive.
_LAST_ARRIVALS = 1.0


class Source:
    """One durable consumer and the inbox of its answers.

    Each message goes to `received`; `changed` is called when a request has ended, or may be made again. `handle` is
    kept for whoever runs the messages (penstock.jetstream.pull.PullGroup).
    """

    def __init__(
        self,
        connection: Client,
        stream: str,
        durable: str,
        handle: Handle,
        *,
        received: Callable[["Source", Msg], None],
        changed: Callable[[], None],
    ) -> None:
        self._connection, self._durable, self.handle = connection, durable, handle
        self._received, self._changed = received, changed
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        #: Set when all that was requested is answered, or must be taken as lost.
        self.answered = asyncio.Event()
        #: Messages requested and not answered yet.
        self.requested = 0
        self._lost: asyncio.TimerHandle | None = None
        #: Whether no request is made for a while, since the last one was refused.
        self.backing_off = False
        self._refusals = 0

    async def open(self) -> None:
        self._subscription = await self._connection.subscribe(self._inbox, cb=self._on_answer)

    async def aclose(self) -> None:
        """Request nothing more; what the server has sent already still arrives, so that it can be handed back."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._connection.is_closed:
            try:
                async with asyncio.timeout(_LAST_ARRIVALS):
                    await subscription.drain()  # type: ignore[no-untyped-call]
            except Exception as error:
                log.warning("could not stop pulling in order", extra={"consumer": self._durable, "error": repr(error)})

    async def caught_up(self) -> None:
        """Return when all that the server has sent so far has been received, or it is gone."""
        try:
            # A message to ourselves comes behind all that was sent before. Not `flush`: one that times out or is
            # cancelled ends the connection's read loop (docs/nats-py.md).
            inbox = self._connection.new_inbox()
            echo = await self._connection.subscribe(inbox, max_msgs=1)
            await self._connection.publish(inbox, b"")
            await echo.next_msg(_LAST_ARRIVALS)
            await asyncio.sleep(0)
        except Exception as error:
            log.info("NATS does not answer", extra={"error": repr(error)})

    async def request(self, batch: int, *, wait: bool) -> None:
        """Request `batch` messages: those there now, or (`wait`) also those that come within _EXPIRES."""
        self.requested += batch
        self.answered.clear()
        if self._lost is not None:
            self._lost.cancel()
        self._lost = asyncio.get_running_loop().call_later(_LOST, self._give_up)
        how = {"expires": int(_EXPIRES * 1e9)} if wait else {"no_wait": True}
        await self._connection.publish(self._next, json.dumps({"batch": batch, **how}).encode(), reply=self._inbox)

    def forget(self) -> None:
        """Take requests as lost: new ones may be made at once."""
        self.requested, self._refusals = 0, 0
        self.answered.set()
        self._resume()

    def _give_up(self) -> None:
        if self.requested:
            self.forget()

    async def _on_answer(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status") if not message.reply else None
        if status is None:
            self.requested = max(0, self.requested - 1)
            self._refusals = 0
            self._received(self, message)
        elif status == "100":  # idle heartbeat
            return
        elif status in ("404", "408"):
            # Both end one request, and 408 says how much of it was not filled. (404 need not: it answers a request
            # without waiting, beside which there is no other.)
            pending = headers.get("Nats-Pending-Messages")
            self.requested = max(0, self.requested - int(pending)) if pending else 0
        else:
            # 503: there is no such consumer. 409: it was deleted, or its leader changes, or it has too many requests.
            # A request made at once would be refused again; meanwhile the others are not kept waiting for this one.
            self._refusals += 1
            pause = delay(self._refusals, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
            why = headers.get("Description", "no such consumer")
            log.warning("cannot pull; next request in %.2f s", pause, extra={"consumer": self._durable, "why": why})
            self.requested, self.backing_off = 0, True
            asyncio.get_running_loop().call_later(pause, self._resume)
        if self.requested == 0:
            self.answered.set()
            self._changed()

    def _resume(self) -> None:
        self.backing_off = False
        self._changed()
