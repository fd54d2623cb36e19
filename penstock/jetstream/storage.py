"""What NATS answers to a publish that it did not store, and when a replica tries again.

While a stream has no room, one message of this process tries at a time, after pauses that grow and are jittered; the
others wait for its success. So a fleet whose NATS is full does not keep it busy, and goes on when there is room.

A publish that times out though NATS answers questions may have come into a pause of NATS: it is trouble of the stream
when the next one times out too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError, NoStreamResponseError

from penstock.backoff import delay

log = logging.getLogger(__name__)

#: Seconds before the first further try of a stream that stored nothing, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
#: Seconds that a stream that stores nothing may take to answer a question.
_ANSWER = 0.5
#: Seconds after the last failure for which it is reported: with nobody who publishes nobody knows.
_REPORTED = 30.0
#: The server's error numbers for a store that is full, and for a message that a stream did not take.
_ACCOUNT_FULL, _SERVER_FULL, _NOT_TAKEN = 10002, 10023, 10077
#: The server's error number for a message that was to be stored onto another one than is the last.
_OUTDATED = 10071
#: A stream whose write failed answers no publish until its server is started again (docs/reliability.md).
_STUCK = "it answers, but confirms nothing; if its disk was full, make room and restart nats-server"


class NotTried(nats.errors.Error):
    """Not sent: what was published last to this stream was not stored, and it is another one's turn to try."""


class NotPermitted(nats.errors.TimeoutError):
    """The server does not let this user ask it: no answer comes, until its configuration is another one."""

    def __str__(self) -> str:
        return str(self.args[0])


#: NATS could not be reached, or did not answer: the message may be stored or not.
UNREACHABLE = (
    nats.errors.TimeoutError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.NoRespondersError,
    NoStreamResponseError,
    ConnectionError,
    NotTried,
)


def is_subject_taken(error: APIError) -> bool:
    """The same number is used where a stream is full or could not store: only the description differs."""
    return error.err_code == _NOT_TAKEN and "per subject" in (error.description or "")


def is_outdated(error: APIError) -> bool:
    """Its subject has another last message than the header Nats-Expected-Last-Subject-Sequence says."""
    return error.err_code == _OUTDATED


def is_passing(error: Exception) -> bool:
    """Whether it is NATS's own trouble (away, no leader, no room, too busy), and not about what was sent."""
    if isinstance(error, APIError):
        return error.code in (429, 500, 503) and not is_subject_taken(error)
    # RuntimeError: uvloop's, for a socket that was lost just now (docs/nats-py.md)
    return isinstance(error, UNREACHABLE) or (isinstance(error, RuntimeError) and "closed" in str(error))


def _is_full(error: APIError) -> bool:
    return error.err_code in (_ACCOUNT_FULL, _SERVER_FULL, _NOT_TAKEN) and not is_subject_taken(error)


@dataclass(slots=True)
class _Failing:
    why: str
    failures: int
    failed_at: float
    next_try: float
    #: Whether a message is trying just now.
    trying: bool = False


class Storage:
    """Which streams take nothing just now, as the publishes of this process found out."""

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._failing: dict[str, _Failing] = {}
        #: Streams that answered a question, but not the last publish: it may have come into a pause of NATS.
        self._doubted: set[str] = set()

    @property
    def trouble(self) -> str | None:
        """The streams that failed within the last 30 s and have stored nothing since, with why."""
        now = asyncio.get_running_loop().time()
        recent = {name: one.why for name, one in self._failing.items() if now - one.failed_at < _REPORTED}
        return "; ".join(f"NATS stores nothing in {name}: {why}" for name, why in sorted(recent.items())) or None

    def refuses(self, stream: str) -> str | None:
        """Why it would store nothing, until it is time to try again."""
        if (failing := self._failing.get(stream)) is None:
            return None
        waiting = failing.trying or asyncio.get_running_loop().time() < failing.next_try
        return f"NATS stores nothing in {stream}: {failing.why}" if waiting else None

    async def publish(self, stream: str, publishing: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """One publish. Raises what it raises, and NotTried where another message is to try, or none yet."""
        if why := self.refuses(stream):
            raise NotTried(why)
        if turn := self._failing.get(stream):
            turn.trying = True
        doubted = stream in self._doubted
        try:
            ack = await publishing()
        except APIError as error:
            if is_subject_taken(error):  # it decides, so it is not stuck; whether it has room is not known
                self._answered(stream, only=_STUCK)
            elif _is_full(error):
                self._failed(stream, error.description or "no room")
            raise
        except NotPermitted:
            raise
        except nats.errors.TimeoutError:
            if await self._answers(stream):
                if doubted and stream in self._doubted:
                    self._failed(stream, _STUCK)
                self._doubted.add(stream)
            raise
        finally:
            if turn:
                turn.trying = False
        if self._failing or self._doubted:
            self._answered(stream)
        return ack

    async def _answers(self, stream: str) -> bool:
        """Whether the stream's leader answers at all."""
        try:
            await self._connection.request(f"$JS.API.STREAM.INFO.{stream}", b"", _ANSWER)
        except nats.errors.Error:
            return False
        return True

    def _answered(self, stream: str, *, only: str | None = None) -> None:
        """`only`: what the answer refutes, where it does not show that the stream has room."""
        self._doubted.discard(stream)
        if (failing := self._failing.get(stream)) and only in (None, failing.why):
            del self._failing[stream]
            log.info("NATS stores again in %s", stream)

    def _failed(self, stream: str, why: str) -> None:
        """Messages that were under way together count as one failure."""
        now = asyncio.get_running_loop().time()
        failing = self._failing.get(stream)
        if failing is None:
            log.error("NATS stores nothing in %s: %s", stream, why)
            failing = self._failing[stream] = _Failing(why, 0, now, now)
        elif now - failing.failed_at < _FIRST_PAUSE:
            return
        failing.why, failing.failures, failing.failed_at = why, failing.failures + 1, now
        failing.next_try = now + delay(failing.failures, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
