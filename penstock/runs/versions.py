"""Deploying while jobs run: an aggregator that does not have a job's pattern, or not its version, leaves it to others.

Who has what is asked on plain NATS subjects, where only those with it listen (penstock.jetstream.subjects.runs): if
nobody does, NATS says so at once.
"""

from collections.abc import Mapping
from typing import Any

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import NoRespondersError, TimeoutError

from penstock.backoff import delay
from penstock.contracts.journal import JobStart
from penstock.contracts.wire import JobName, is_token
from penstock.errors import Failure
from penstock.installed import __version__, numbers
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.releases import newer
from penstock.jetstream.settling import Later, TooNew
from penstock.pattern import Pattern
from penstock.runs.journal import Journal
from penstock.runs.turns import Submitted

#: Seconds that an answer may take.
_ANSWER = 2.0
#: Seconds before a job is delivered again, to whichever replica: the first time, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
#: After so many times the patience, that nobody had a version says nothing about now.
_FORGOTTEN = 10


class Versions:
    """Of one aggregator, which answers for its own patterns from `start` to `stop`. `patience`: seconds."""

    def __init__(self, bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], patience: float) -> None:
        self._bus, self._patterns, self._patience = bus, patterns, patience
        self._began = bus.time.now()
        #: Since when nobody has answered for a version.
        self._missed: dict[str, float] = {}
        self._answering: list[Subscription] = []

    async def start(self) -> None:
        for name, pattern in self._patterns.items():
            for subject in (subjects.runs(name), subjects.runs(name, pattern.version)):
                self._answering.append(await self._bus.connection.subscribe(subject, cb=_answer))
        ours = _of_release(__version__)
        self._answering.append(await self._bus.connection.subscribe(ours, cb=_answer))

    async def stop(self) -> None:
        """Before running jobs are handed back: they are not to come here again."""
        while self._answering:
            await self._bus.unsubscribe(self._answering.pop())

    async def leave_to_others(self, name: str, start: JobStart | None, message: Msg, parked_for: float) -> None:
        """Raises Later while the job is to be handed back: another replica has what it needs, or may soon.

        That is: until nobody has had the version it began with for `patience` seconds, or its deadline has passed. Of a
        job that nobody has begun to run, the pattern is needed in any version; nobody has had it for as long as the job
        and this process are old.
        """
        pattern, now = self._patterns.get(name), self._bus.time.now()
        if pattern is not None and (start is None or start.version == pattern.version):
            return
        if not is_token(name) or (
            start is not None and (start.pattern != name or start.deadline_after(parked_for) <= now)
        ):
            return
        subject = subjects.runs(name, start.version if start else None)
        if await self._is_answered(subject):
            self._missed.pop(subject, None)
        else:
            since = max(self._began, message.metadata.timestamp.timestamp())
            if start is not None:
                since = self._missed.get(subject, 0)
                if now - since > self._patience * _FORGOTTEN:
                    since = self._missed[subject] = now
            if now - since >= self._patience:
                return
        raise Later(delay(message.metadata.num_delivered, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE))

    async def leave_to_newer(self, submitted: Submitted) -> None:
        """To be called for a job that is refused here: raises TooNew where a newer release took it in.

        While a replica of that one answers; else until the job and this process are `patience` seconds old.
        """
        if (by := newer(submitted.headers)) is None:
            return
        old = self._bus.time.now() - max(self._began, submitted.at) >= self._patience
        if not old or await self._is_answered(_of_release(by)):
            raise TooNew(by, "a job")

    async def _is_answered(self, subject: str) -> bool:
        try:
            await self._bus.connection.request(subject, timeout=_ANSWER)
        except (NoRespondersError, TimeoutError):  # the latter: a process that stands still
            return False
        return True

    def explained(self, failure: Failure, start: JobStart) -> Failure:
        """A replay_mismatch with the two versions, if they are two."""
        here = self._patterns[start.pattern].version
        if failure.code != "replay_mismatch" or here == start.version:
            return failure
        began, here = (f"version {one!r}" if one else "no version" for one in (start.version, here))
        detail = f"the job began with {began} of {start.pattern}, which no replica has any more; with {here}, "
        return Failure(failure.code, detail + failure.detail)


def _of_release(version: str) -> str:
    """Where aggregators of a release answer; no pattern is called so."""
    return subjects.runs("=release", "-".join(map(str, numbers(version))))


async def _answer(question: Msg) -> None:
    await question.respond(b"")


async def begun(bus: Bus, journal: Journal, job: JobName) -> set[str]:
    """The keys of all steps of a job that were dispatched or finished, and of all its waits that were begun."""
    # in this order: what is done between the two is in the journal before it leaves the queue
    queued = bus.history(subjects.step("*", "*", "*", job, "*", lane="*"))
    found = {subjects.tokens(message.subject)[-1] async for message in queued}
    await journal.read()
    return found | {outcome.key for outcome in journal.outcomes()} | journal.waits()
