"""The cache of model replies: the stream CACHE, which all replicas share.

    ask ──▶ claim cache.<scope>.<key> ──▶ claimed: ask the model, renewing the claim ──▶ store the reply in its place
                  │
                  └─ refused: what stands there? ── a reply that fits ──▶ that
                                                 ── a claim ──▶ wait for what replaces it, as long as it is renewed

A step that does nothing but ask stores its reply once, as its outcome: its claim stands for that. What is said here of
what replaces a claim holds for such an outcome, too.

A claim is a message that is accepted only in place of the one that was seen there, or of none. Who gives up says so,
and one of those that wait takes over; where the model failed, each of them asks for itself. A claim that was not
renewed for `ack_wait`, its process being dead, is replaced by one of them; that of a step itself, which is delivered
again, at once.

What NATS refuses, or does not answer, is never the asker's failure: then the model is asked, and nothing is kept. So a
question may be asked twice where NATS, or who asks, stands still for longer than a claim holds. A claim that ends while
it is being renewed may stand till it is too old.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from nats.aio.msg import Msg
from nats.js.errors import APIError
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from penstock.cancelling import stop
from penstock.contracts.turns import Kept
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable, Failure, OutputInvalid
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.pull import lending
from penstock.jetstream.storage import is_passing
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import unix
from penstock.llm.limits.turns import Crowded
from penstock.settings import Settings
from penstock.steps.claims import CLAIM, FAILED, FREE, claim_of, reply_in, step_of
from penstock.steps.metrics import AttemptMetrics, Found

log = logging.getLogger(__name__)

R = TypeVar("R")

#: What the subjects of changes begin with.
_CHANGES = subjects.CACHED[1].removesuffix(">")
#: Seconds after which the cache is left out, if the first try had no answer.
_PATIENCE = 3.0
#: The server's error number for a message that was to replace another one than stands there.
_REPLACED = 10071


@dataclass(frozen=True)
class Replies:
    """The replies to one tenant's questions, or to all tenants' (penstock.llm.cache.Cache)."""

    bus: Bus
    scope: str
    #: The claim of the step that asks (penstock.steps.claims).
    own: bytes
    #: Seconds: how long a claim holds that is not renewed, and how old a reply may be.
    claimed: float
    kept: float
    #: Is told what becomes of each question.
    tell: Callable[[Found], None]

    @classmethod
    def of(
        cls,
        bus: Bus,
        settings: Settings,
        job: JobName,
        key: str,
        seen: AttemptMetrics | None = None,
        *,
        by_outcome: bool = False,
    ) -> "Replies | None":
        """None where the settings want no cache. `by_outcome`: the step's value will be the reply to its question."""
        if not settings.cache:
            return None
        scope = subjects.SHARED if settings.cache_shared else job.tenant
        claimed = min(settings.ack_wait, settings.cache_ttl / 2)
        own = claim_of(job, key, by_outcome=by_outcome)
        return cls(bus, scope, own, claimed, settings.cache_ttl, seen.cached if seen else lambda _: None)

    async def reply(
        self, key: str, read: Callable[[Kept], R], ask: Callable[[], Awaitable[tuple[R, Kept]]]
    ) -> tuple[R, Kept | None]:
        subject = subjects.cached(self.scope, key)
        try:
            claim = await self._claimed_or_found(subject, read)
        except Exception as error:
            _tolerate(error, subject)
            self.tell("left_out")
            return (await ask())[0], None
        self.tell("hit" if isinstance(claim, tuple) else "miss")
        if isinstance(claim, tuple):
            return claim
        end: bytes | None = FREE
        try:
            value, reply = await ask()
            end = None if step_of(self.own) or await self._store(subject, reply) else FAILED
        except Crowded:
            raise
        except Exception as error:
            # who cannot pay has not asked
            if not (isinstance(error, Failure) and error.code == "budget_exceeded"):
                end = FAILED
            raise
        finally:
            if claim is not None:
                await claim.end(end)
        return value, None

    async def forget(self, key: str) -> None:
        await self._put(subjects.cached(self.scope, key), FREE)

    async def _claimed_or_found(self, subject: str, read: Callable[[Kept], R]) -> "_Claim | tuple[R, Kept] | None":
        """None where another one's failure was waited for: then everybody asks."""
        replaced = 0
        while (sequence := await self.claim(subject, replaced)) is None:
            standing, waited = await self._settled(subject)
            replaced = standing.sequence if standing else 0
            if standing is None or standing.data == FREE or standing.data.startswith(CLAIM):
                continue
            if standing.data == FAILED:
                if waited:
                    return None
            elif self._age(standing) < self.kept:
                with suppress(ValidationError, OutputInvalid):
                    reply = Kept.model_validate_json(standing.data)
                    return read(reply), reply
        return _Claim(self, subject, sequence)

    async def claim(self, subject: str, replaced: int) -> int | None:
        """Claim the place of the message with that sequence, 0 for none. None: another one stands there."""
        try:
            return await self._append(subject, self.own, _instead_of(replaced))
        except APIError as error:
            if error.err_code != _REPLACED:
                raise
            return None

    async def _settled(self, subject: str) -> tuple[Stored | None, bool]:
        """What stands there once it is no claim that holds, and whether that had to be waited for."""
        standing: Stored | None = None
        #: Whose outcome has been seen: its claim, renewed before, may be heard after it.
        ended: tuple[JobName, str] | None = None
        changed = asyncio.Event()

        def holds() -> bool:
            if standing is None or not standing.data.startswith(CLAIM) or standing.data == self.own:
                return False
            return self._age(standing) < self.claimed

        def note(found: Stored | None) -> None:
            nonlocal standing
            if ended is not None and found is not None and step_of(found.data) == ended:
                return
            if found is None or standing is None or found.sequence > standing.sequence:
                standing = found
                changed.set()

        def answer(step: tuple[JobName, str], outcome: bytes) -> None:
            nonlocal standing, ended
            if standing is not None and step_of(standing.data) == step:
                standing, ended = replace(standing, data=reply_in(outcome)), step
                changed.set()

        async def look() -> None:
            note(await self.bus.last_from_leader(subject))
            step = step_of(standing.data) if standing is not None and standing.data != self.own else None
            if step and (outcome := await self.bus.last_from_leader(subjects.journal(*step))):
                answer(step, outcome.data)

        await look()
        if not holds():
            return standing, False
        self.tell("wait")
        # it may take as long as its asker waits for the model
        with lending(begun=True):
            while standing is not None and holds():
                claim, step = standing.data, step_of(standing.data)

                def hear(message: Msg, step: tuple[JobName, str] | None = step) -> None:
                    if message.subject.startswith(_CHANGES):
                        note(Stored.of(message))
                    elif step is not None:
                        answer(step, message.data)

                told = subjects.told(*subjects.tokens(subject)), *([subjects.fact(*step)] if step else [])
                async with self.bus.following(look, hear, *told):
                    while standing is not None and standing.data == claim and holds():
                        changed.clear()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self.claimed - self._age(standing)):
                                await changed.wait()
        return standing, True

    async def _append(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """A claim whose answer was lost is found to be one's own."""
        try:
            return await self.bus.publish(subject, body, headers=headers)
        except Exception as error:
            if not is_passing(error):
                raise
        async with asyncio.timeout(_PATIENCE):
            return await self.bus.append(subject, body, headers=headers)

    def _age(self, stored: Stored | None) -> float:
        return self.bus.time.now() - unix(stored.time) if stored else 0.0

    async def _store(self, subject: str, reply: Kept) -> bool:
        """Not one that is too large, or that JSON does not hold."""
        try:
            return await self._put(subject, reply.model_dump_json().encode())
        except PydanticSerializationError:
            return False

    async def _put(self, subject: str, body: bytes) -> bool:
        """Whether it was sent. NATS is asked for no answer, which would cost as much as the rest: if it does not keep
        a reply, those that wait for it take over as from one that died.
        """
        if len(body) > self.bus.max_body:
            return False
        try:
            await self.bus.connection.publish(subject, body)
        except Exception as error:
            _tolerate(error, subject)
            return False
        return True


class _Claim:
    """Renewed from its beginning to its `end`, or until another one has replaced it."""

    def __init__(self, replies: Replies, subject: str, sequence: int) -> None:
        self._replies, self._subject, self._sequence = replies, subject, sequence
        self._renewing: asyncio.Task[None] | None = None
        self._wait()

    def _wait(self) -> None:
        """Most questions are answered before there is anything to renew: a timer is cheaper than a task."""
        self._next = asyncio.get_running_loop().call_later(self._replies.claimed / 3, self._start)

    def _start(self) -> None:
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        sequence: int | None = self._sequence
        try:
            sequence = await self._replies.claim(self._subject, self._sequence)
        except Exception as error:
            _tolerate(error, self._subject)
        if sequence is not None:
            self._sequence = sequence
            self._wait()

    async def end(self, word: bytes | None) -> None:
        """`word` in its place, unless a reply stands there. Nothing is waited for: the asker may be cancelled."""
        self._next.cancel()
        if self._renewing is not None:
            await stop(self._renewing)
            self._next.cancel()
        if word is not None:
            try:
                await self._replies.bus.connection.publish(self._subject, word, headers=_instead_of(self._sequence))
            except Exception as error:
                _tolerate(error, self._subject)


def _instead_of(sequence: int) -> dict[str, str]:
    return {"Nats-Expected-Last-Subject-Sequence": str(sequence)}


def _tolerate(error: Exception, subject: str) -> None:
    """Raises what is not NATS's refusal, nor its absence."""
    if not (isinstance(error, APIError | BusUnavailable | Failure | TimeoutError) or is_passing(error)):
        raise error
    log.warning("the cache is left out: %r", error, extra={"subject": subject})
