"""One play of a pattern: from its request, and what a journal has of it, to its end."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.cancelling import stop
from penstock.contracts.events import JobAccepted
from penstock.contracts.journal import JobStart, Outcome
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.waiting import wait_key
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.errors import Failure
from penstock.mistakes import leaves
from penstock.pattern import Pattern
from penstock.runs.replay import ReplayRun
from penstock.runs.work import Work
from penstock.settings import Settings
from penstock.testing.memory import Facts, Log
from penstock.testing.outside import Outside
from penstock.testing.script import Script
from penstock.testing.told import PatternTestFailed

#: Rounds of the event loop after which a pattern is taken to be waiting, if it cannot be known.
_ROUNDS = 200

#: What is said nowhere is as in production, unless it is set there.
_DEFAULT: dict[str, Any] = {name: field.default for name, field in Settings.model_fields.items()}

#: Which of several steps that are at work, by their keys in the order of their dispatch, ends next.
Pick = Callable[[Sequence[str]], str]


def oldest(keys: Sequence[str]) -> str:
    return keys[0]


@dataclass
class Play:
    """What happened. `error`: what the test is to raise; it has no end then."""

    facts: Facts
    log: Log = field(default_factory=Log)
    asked: dict[str, StepMessage] = field(default_factory=dict)
    returned: Any = None
    document: dict[str, Any] | None = None
    failure: Failure | None = None
    error: BaseException | None = None
    #: By the keys of their facts, the signals that were waited for; None for time.
    waits: dict[str, str | None] = field(default_factory=dict)
    #: How many steps and signals were waited for at once, at most.
    at_once: int = 0

    @property
    def failures(self) -> bool:
        """Whether anything failed: what is beside it may then be done or not."""
        return self.failure is not None or any(fact.failure for fact in self.facts.all.values())


class _Waiting(dict[str, StepMessage]):
    """A run's steps that are waited for; notes all that ever were."""

    def __init__(self, asked: dict[str, StepMessage]) -> None:
        super().__init__()
        self._asked = asked

    def __setitem__(self, key: str, message: StepMessage) -> None:
        self._asked[message.key] = message
        super().__setitem__(key, message)


@dataclass(frozen=True)
class Stage:
    """What is the same in all plays of a pattern. `started`: Unix seconds. `patience`: seconds for what is no step."""

    pattern: Pattern[Any, Any]
    request: Any
    script: Script
    signals: Mapping[str, Any]
    started: float
    fan_out: int | None
    patience: float

    async def play(
        self, known: Iterable[Outcome] = (), *, first: Mapping[str, Outcome] | None = None, pick: Pick = oldest
    ) -> Play:
        """Run the pattern on a journal that has what is `known`; `first`: what will be written there, as it was."""
        play = Play(Facts(known, first or {}))
        outside = Outside(self.signals, play.facts, play.log, self.started)
        play.waits = outside.asked
        dispatched: dict[str, tuple[Step[Any, Any], StepMessage]] = {}

        async def dispatch(step: Step[Any, Any], message: StepMessage) -> None:
            dispatched[message.key] = step, message

        async def begun() -> set[str]:
            return {*dispatched, *(key.removeprefix(wait_key("")) for key in play.facts.all)}

        deadline = self.started + (self.request.options.deadline_seconds or _DEFAULT["deadline"])
        start = JobStart(pattern=self.pattern.name, body_hash="", accepted_at=self.started, deadline=deadline)
        work = Work(
            job=JobName(DEFAULT_TENANT, "job"),
            start=start,
            journal=play.facts,
            events=play.log,
            dispatch=dispatch,
            clock=lambda: outside.now,
            fan_out=self.fan_out or _DEFAULT["fan_out"],
            max_steps=_DEFAULT["max_steps"],
            begun=begun,
            waits=outside,
        )
        work.waiting = _Waiting(play.asked)
        play.log.send(JobAccepted(id="accepted", job=work.job.id, pattern=self.pattern.name, deadline=deadline))
        running = asyncio.ensure_future(ReplayRun(work, self.pattern, self.request.options).complete(self.request))
        try:
            while not running.done():
                await _quiet()
                at_work = [key for key in (*dispatched, *outside.given()) if key not in play.facts.all]
                play.at_once = max(play.at_once, len(at_work))
                if running.done():
                    break
                if at_work and (key := pick(at_work)) in dispatched:
                    await play.facts.write(key, await self.script.outcome(*dispatched[key], play.log))
                elif at_work:
                    await outside.end(key)
                elif outside.open:
                    await outside.end_first()
                elif not (await asyncio.wait({running}, timeout=self.patience))[0]:
                    raise self._stuck(work)
            play.returned, play.document = running.result()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not (running.done() and running.cancelled()):
                raise  # the test is ended
            failures = [leaf for leaf in leaves(error) if isinstance(leaf, Failure)]
            play.failure, play.error = (failures[0], None) if failures else (None, error)
        finally:
            work.over = True
            await stop(running)
        return play

    def _stuck(self, work: Work) -> PatternTestFailed:
        waits = f"for {', '.join(work.waiting)}, which was given up" if work.waiting else "for what is no step of it"
        return PatternTestFailed(
            f"{self.pattern.name} is still waiting {waits}, and nothing is at work: after a crash it would wait again"
        )


async def _quiet() -> None:
    """Return once the pattern does nothing but wait."""
    # asyncio's own loops say what they have ready to run; others are given many rounds
    ready: Any = getattr(asyncio.get_running_loop(), "_ready", None)
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
        if ready is not None and not ready:
            return
