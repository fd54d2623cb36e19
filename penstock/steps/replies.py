"""The cache of model replies: the stream CACHE, which all replicas share.

    ask ──▶ claim cache.<scope>.<key> ──▶ claimed: ask the model, renewing the claim ──▶ store the reply in its place
                  │
                  └─ refused: what stands there? ── a reply that fits ──▶ that
                                                 ── a claim ──▶ wait for what replaces it, as long as it is renewed

A step that does nothing but ask stores its reply once, as its outcome: its claim stands for that, and is renewed until
it is stored. What is said here of what replaces a claim holds for such an outcome, too.

A claim is a message that is accepted only in place of the one that was seen there, or of none. Who gives up says so,
and one of those that wait takes over; where the model failed, each of them asks for itself. A claim that was not
renewed for `ack_wait`, its process being dead, is replaced by one of them; that of a step itself, which is delivered
again, at once.

What NATS refuses, or does not answer, is never the asker's failure: then the model is asked, and nothing is kept. So a
question may be asked twice where NATS, or who asks, stands still for longer than a claim holds. A claim that ends while
NATS does not answer to its renewal may stand till it is too old.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from nats.aio.msg import Msg
from nats.js.errors import APIError
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from penstock.contracts.turns import Kept
from penstock.contracts.wire import JobName
from penstock.errors import Failure, OutputInvalid
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.pull import lending
from penstock.jetstream.storage import is_outdated, is_passing
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import unix
from penstock.llm.limits.turns import Crowded
from penstock.settings import Settings
from penstock.steps.claims import CLAIM, FAILED, FREE, Claim
from penstock.steps.held import Held, instead_of, tolerate
from penstock.steps.metrics import AttemptMetrics, Found

R = TypeVar("R")

#: What the subjects of changes begin with.
_CHANGES = subjects.CACHED[1].removesuffix(">")
#: Seconds after which the cache is left out, if the first try had no answer.
_PATIENCE = 3.0


@dataclass(frozen=True)
class Replies:
    """The replies to one tenant's questions, or to all tenants' (penstock.llm.cache.Cache)."""

    bus: Bus
    scope: str
    #: Of the attempt that asks.
    own: Claim
    #: Seconds: how long a claim holds that is not renewed, and how old a reply may be.
    claimed: float
    kept: float
    #: Is told what becomes of each question.
    tell: Callable[[Found], None]
    #: Claims whose reply will be the step's outcome, which is not stored yet.
    _open: list[Held] = field(default_factory=list, init=False)

    @classmethod
    def of(
        cls,
        bus: Bus,
        settings: Settings,
        job: JobName,
        key: str,
        seen: AttemptMetrics | None = None,
        *,
        attempt: str = "",
        output: type | None = None,
    ) -> "Replies | None":
        """None where the settings want no cache. `output`: of a step whose value will be the reply to its question;
        the attempt is to be ended with `stored`, or `aclose`.
        """
        if not settings.cache:
            return None
        scope = subjects.SHARED if settings.cache_shared else job.tenant
        claimed = min(settings.ack_wait, settings.cache_ttl / 2)
        own = Claim.of(job, key, attempt, output)
        return cls(bus, scope, own, claimed, settings.cache_ttl, seen.cached if seen else lambda _: None)

    async def reply(
        self, key: str, read: Callable[[Kept], R], ask: Callable[[], Awaitable[tuple[R, Kept]]]
    ) -> tuple[R, Kept | None]:
        subject = subjects.cached(self.scope, key)
        try:
            claim = await self._claimed_or_found(subject, read)
        except Exception as error:
            tolerate(error, subject)
            self.tell("left_out")
            return (await ask())[0], None
        self.tell("hit" if isinstance(claim, tuple) else "miss")
        if isinstance(claim, tuple):
            return claim
        end: bytes | None = FREE
        try:
            value, reply = await ask()
            if claim is not None and self.own.by_outcome:
                self._open.append(claim)
                return value, None
            end = None if await self._store(subject, reply) else FAILED
        except Crowded:
            raise
        except Exception as error:
            # who cannot pay has not asked
            if not (isinstance(error, Failure) and error.code == "budget_exceeded"):
                end = FAILED
            raise
        finally:
            if claim is not None and claim not in self._open:
                await claim.end(end)
        return value, None

    async def stored(self) -> None:
        """The step's outcome is."""
        await self._end(None)

    async def aclose(self) -> None:
        """Where the step has no outcome, who waits for its reply need not."""
        await self._end(FREE)

    async def _end(self, word: bytes | None) -> None:
        while self._open:
            await self._open.pop().end(word)

    async def forget(self, key: str) -> None:
        await self._put(subjects.cached(self.scope, key), FREE)

    async def _claimed_or_found(self, subject: str, read: Callable[[Kept], R]) -> Held | tuple[R, Kept] | None:
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
        return Held(self.bus, subject, sequence, self.claimed / 3, self.claim)

    async def claim(self, subject: str, replaced: int) -> int | None:
        """Claim the place of the message with that sequence, 0 for none. None: another one stands there."""
        try:
            return await self._append(subject, bytes(self.own), instead_of(replaced))
        except APIError as error:
            if not is_outdated(error):
                raise
            return None

    async def _settled(self, subject: str) -> tuple[Stored | None, bool]:
        """What stands there once it is no claim that holds, and whether that had to be waited for."""
        standing: Stored | None = None
        #: Whose outcome has been seen: it may have been renewed before, and be heard after it.
        ended: Claim | None = None
        changed = asyncio.Event()

        def another_s() -> Claim | None:
            claim = Claim.read(standing.data) if standing else None
            return None if claim is None or claim.is_of(self.own) else claim

        def holds() -> bool:
            return another_s() is not None and self._age(standing) < self.claimed

        def note(found: Stored | None) -> None:
            nonlocal standing
            if ended is not None and found is not None and Claim.read(found.data) == ended:
                return
            if found is None or standing is None or found.sequence > standing.sequence:
                standing = found
                changed.set()

        def answer(claim: Claim, outcome: bytes) -> None:
            nonlocal standing, ended
            if standing is not None and Claim.read(standing.data) == claim:
                standing, ended = replace(standing, data=claim.reply_in(outcome)), claim
                changed.set()

        async def look() -> None:
            note(await self.bus.last_from_leader(subject))
            claim = another_s()
            if claim is not None and claim.by_outcome:
                outcome = await self.bus.last_from_leader(subjects.journal(claim.job, claim.key))
                if outcome is not None:
                    answer(claim, outcome.data)

        await look()
        if not holds():
            return standing, False
        self.tell("wait")
        # it may take as long as its asker waits for the model
        with lending(begun=True):
            while holds() and (claim := another_s()) is not None:

                def hear(message: Msg, claim: Claim = claim) -> None:
                    if message.subject.startswith(_CHANGES):
                        note(Stored.of(message))
                    else:
                        answer(claim, message.data)

                told = (
                    subjects.told(*subjects.tokens(subject)),
                    *([subjects.fact(claim.job, claim.key)] if claim.by_outcome else []),
                )
                async with self.bus.following(look, hear, *told):
                    while another_s() == claim and holds():
                        changed.clear()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self.claimed - self._age(standing)):
                                await changed.wait()
                    if another_s() == claim:  # what was told may be lost
                        await look()
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
            tolerate(error, subject)
            return False
        return True
