"""One durable consumer as a process pulls from it."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

log = logging.getLogger(__name__)

#: Seconds a waiting request stays at the server: also how long a group that has become busy may still be given one.
_EXPIRES = 2.0
#: Seconds without any answer after which a request is taken as lost.
LOST = _EXPIRES + 3.0
#: Seconds before a consumer that is not there, or would not serve us, is asked again; doubles up to the second number.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
#: Seconds that what the server is just sending may take to arrive.
_LAST_ARRIVALS = 1.0


class Receiver(Protocol):
    """Who takes the messages (penstock.jetstream.pull.PullGroup)."""

    def received(self, source: "Source", message: Msg) -> None: ...

    def changed(self) -> None:
        """A request has ended, or may be made again."""


class Source:
    """One durable consumer, asked through one inbox."""

    def __init__(
        self,
        group: Receiver,
        connection: Client,
        stream: str,
        durable: str,
        consume: Callable[[Msg], Coroutine[Any, Any, Any]],
    ) -> None:
        self._group, self._connection = group, connection
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = connection.new_inbox()
        self._subscription: Subscription | None = None
        self._answered = asyncio.Event()
        self.consume = consume
        self.durable = durable
        #: Messages asked for and not answered yet, and when they were asked for.
        self.asked = 0
        self.asked_at = 0.0
        #: Whether it is left alone for a while, since it could not be asked.
        self.backing_off = False
        self._pause = _FIRST_PAUSE

    async def open(self) -> None:
        self._subscription = await self._connection.subscribe(self._inbox, cb=self._answer)

    async def aclose(self) -> None:
        """Ask for nothing more; what the server has sent already still arrives, so that it can be handed back."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._connection.is_closed:
            try:
                async with asyncio.timeout(_LAST_ARRIVALS):
                    await subscription.drain()  # type: ignore[no-untyped-call]
            except Exception as error:
                log.warning("could not stop pulling in order", extra={"consumer": self.durable, "error": repr(error)})

    async def caught_up(self) -> None:
        """Return when all that the server has sent so far has been received, or it is gone."""
        try:
            await self._connection.flush(int(_LAST_ARRIVALS))
            await asyncio.sleep(0)
        except Exception as error:
            log.info("NATS does not answer", extra={"error": repr(error)})

    async def ask(self, batch: int, *, wait: bool) -> None:
        """Ask for `batch` messages: those there now, or (`wait`) also those that come within _EXPIRES."""
        self.asked, self.asked_at = self.asked + batch, time.monotonic()
        self._answered.clear()
        request: dict[str, Any] = {"batch": batch}
        request |= {"expires": int(_EXPIRES * 1e9)} if wait else {"no_wait": True}
        await self._connection.publish(self._next, json.dumps(request).encode(), reply=self._inbox)

    async def answered(self) -> None:
        """Wait until all that was asked for is answered, or must be taken as lost."""
        try:
            async with asyncio.timeout(LOST):
                await self._answered.wait()
        except TimeoutError:
            self.forget()

    def forget(self) -> None:
        self.asked = 0
        self.backing_off, self._pause = False, _FIRST_PAUSE
        self._answered.set()

    async def _answer(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status") if not message.reply else None
        if status is None:
            self.asked = max(0, self.asked - 1)
            self._pause = _FIRST_PAUSE
            self._group.received(self, message)
        elif status == "100":  # idle heartbeat
            return
        elif status in ("404", "408"):
            # 404 and 408 end one request, saying what of it was not filled (404 does not: nothing else is asked then)
            pending = (message.headers or {}).get("Nats-Pending-Messages")
            self.asked = max(0, self.asked - int(pending)) if pending else 0
        else:
            # 503: there is no such consumer. 409: it was deleted, or its leader changes, or it has too many requests.
            # Asked at once it would say so again, so it is left alone; the others are not kept waiting for it.
            why = (message.headers or {}).get("Description", "no such consumer")
            log.warning(
                "cannot pull; asking again in %.2f s", self._pause, extra={"consumer": self.durable, "why": why}
            )
            self.asked, self.backing_off = 0, True
            asyncio.get_running_loop().call_later(self._pause, self._resume)
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
        if self.asked == 0:
            self._answered.set()
            self._group.changed()

    def _resume(self) -> None:
        self.backing_off = False
        self._group.changed()
