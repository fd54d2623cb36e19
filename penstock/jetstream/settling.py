"""Settling one delivery of a message: the same for jobs, steps and webhooks."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar

from nats.aio.msg import Msg

from penstock import correlation
from penstock.backoff import delay
from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.releases import newer, signed

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds before a message is delivered again that could not be settled for a reason of our own; doubles.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: Seconds before a message is delivered again, to whichever replica, that this one is too old for.
_FOR_NEWER = 2.0


class GivenUp(Exception):
    """No delivery of this message can succeed. `reason` is a code; both end up as headers of the dead letter."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Later(Exception):
    """Another delivery, after `pause` seconds, may succeed."""

    def __init__(self, pause: float) -> None:
        super().__init__(f"again in {pause:.2f} s")
        self.pause = pause


class TooNew(Later):
    """The release `by` wrote it, which is newer, and this one cannot read it: a replica of that one may.

    `what` is written once into the log of a process.
    """

    def __init__(self, by: str, what: str) -> None:
        super().__init__(_FOR_NEWER)
        self.by, self.what = by, what
        _say_once(by, what)


def leave_to_newer(headers: Mapping[str, str] | None, what: str) -> None:
    """To be called where a message cannot be read: raises TooNew if a newer release wrote it."""
    if (by := newer(headers)) is not None:
        raise TooNew(by, what)


@lru_cache(maxsize=1000)  # callers may have any release in their headers
def _say_once(by: str, what: str) -> None:
    log.warning("%s of a newer release cannot be read here: left to its replicas", what, extra={"release": by})


@asynccontextmanager
async def settling(bus: Bus, message: Msg, kind: str, about: Mapping[str, Any]) -> AsyncIterator[None]:
    """Handle one delivery in the body, and settle it by how the body ends. `about` has the `job`.

    it returns             ack
    Later, TooNew          nak with its pause
    GivenUp                a copy in DEAD, then term
    BusUnavailable         nothing: NATS delivers it again after ack_wait
    cancelled              nothing: the pull group hands it back (penstock.jetstream.pull)
    any other exception    logged with `kind` and `about`; nak with a pause that grows with the deliveries
    """
    correlation.begin(correlation.of_message(message.headers, about))
    try:
        try:
            yield
        except Later as later:
            await message.nak(later.pause)
        except GivenUp as given_up:
            await dead_letter(bus, message, given_up.reason, given_up.detail)
            await message.term()
        else:
            await message.ack()
    except BusUnavailable as error:
        log.warning("NATS was away; the %s is redelivered", kind, extra={**about, "error": str(error)})
    except Exception:
        log.exception("a %s could not be settled; it is redelivered", kind, extra=about)
        with suppress(Exception):
            await message.nak(delay(message.metadata.num_delivered, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE))


async def until_stored(bus: Bus, what: str, about: Mapping[str, Any], action: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat `action` for as long as NATS stores nothing: what was done or paid for is not given up meanwhile.

    The message is kept alive, and the service can be stopped. Raises BusUnavailable where its connection is closed.
    """
    while True:
        try:
            return await action()
        except BusUnavailable as error:
            if bus.connection.is_closed:
                raise
            log.warning("NATS stores nothing; %s is kept", what, extra={**about, "error": str(error)})


async def dead_letter(bus: Bus, origin: Msg, reason: str, detail: str) -> None:
    """Keep a copy of a message that could not be handled, with why and where it came from.

    A body that leaves no room for these headers is truncated; the message itself stays in its stream.
    """
    metadata = origin.metadata
    # none of the origin's headers is copied: the copy must fit, whatever came
    headers = signed() | {
        subjects.DEAD_REASON_HEADER: reason,
        subjects.DEAD_DETAIL_HEADER: " ".join(detail.split())[:1000].encode("ascii", "replace").decode(),
        subjects.DEAD_SUBJECT_HEADER: origin.subject,
        subjects.DEAD_STREAM_HEADER: metadata.stream,
        subjects.DEAD_SEQUENCE_HEADER: str(metadata.sequence.stream),
        "Nats-Msg-Id": f"{metadata.stream}.{metadata.sequence.stream}.{reason}",
    }
    body = origin.data
    if len(body) > bus.max_body:
        headers[subjects.DEAD_LENGTH_HEADER] = str(len(body))
        body = body[: bus.max_body]
    await bus.append(subjects.dead(origin.subject), body, headers=headers)
    log.warning("dead letter", extra={"subject": origin.subject, "reason": reason, "detail": detail[:300]})
