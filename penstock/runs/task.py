"""What a run waits for: a step's outcome, or the time, from the journal if it has them."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic

from penstock.contracts.journal import Outcome
from penstock.contracts.step import Out, Step, StepMessage
from penstock.contracts.turns import Turn
from penstock.document import shown_anew
from penstock.errors import Failure, StepFailed
from penstock.mistakes import Place, mistake
from penstock.runs.result import StreamedResult
from penstock.runs.work import ABANDONED, AGGREGATOR, Work

#: Seconds after which a wait looks at the journal again and dispatches again: a lost wake-up or a
#: message deleted by hand costs this much and no more. Dispatching twice is refused by the stream.
_LOOK_AGAIN = 15.0
#: What outcomes of `run.now` and `run.patched` call their step.
_NOW, _PATCH = "now", "patch"


@dataclass(slots=True)  # not frozen: to make one would take four times as long
class Task(Generic[Out]):
    """A step that is to be done. `key`: the whole of it; `into`: the place in the result of its pattern."""

    step: Step[Any, Out]
    message: StepMessage
    key: str
    into: str | None
    place: Place

    async def output(self, work: Work, result: StreamedResult) -> Out:
        """The output, which then stands in `result`. Dispatched only if there is no outcome."""
        work.at_work += 1
        try:
            outcome = await self._outcome(work)
            output = self._read(outcome, work)
        except Exception as error:
            if not work.is_for_another(self.message.key, error):
                raise
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # the run is given up
        finally:
            work.at_work -= 1
        self._accept(outcome, output, work, result)
        return output  # type: ignore[return-value]  # None only where the outcome is a failure, which was raised

    async def _outcome(self, work: Work) -> Outcome:
        work.waiting[self.key] = self.message
        key = self.message.key
        while (outcome := work.journal.outcome(key)) is None or _is_abandoned(outcome):
            if outcome is not None:
                await asyncio.get_running_loop().create_future()  # until it is given up again
            await work.ready_for_a_step()
            try:
                await work.dispatch(self.step, self.message)
            except Failure as too_large:
                raise Failure("input_too_large", too_large.detail, step=key) from too_large
            try:
                async with asyncio.timeout(_LOOK_AGAIN):
                    await work.journal.wait_for(key)
            except TimeoutError:
                await work.journal.read()
        del work.waiting[self.key]
        work.settled(key)
        return outcome

    def _read(self, outcome: Outcome, work: Work) -> Out | None:
        if how := _difference(self.message, outcome):
            raise _mismatch(work, outcome, how)
        output: Any = self.step.output
        if outcome.failure is not None or output is str:
            return outcome.value  # type: ignore[no-any-return]
        return output.model_validate(outcome.value)  # type: ignore[no-any-return]

    def _accept(self, outcome: Outcome, output: Out | None, work: Work, result: StreamedResult) -> None:
        if outcome.failure is None:
            self._place(output.words if isinstance(output, Turn) else outcome.value, result)
        if self.message.words_into != outcome.words_into:  # its worker did not know that words are shown
            for event in shown_anew(outcome.model_copy(update={"words_into": self.message.words_into})):
                work.tell(event)
        work.tell_outcome(outcome)
        if outcome.failure is not None:
            raise StepFailed(outcome.failure)

    def _place(self, shown: Any, result: StreamedResult) -> None:
        if self.into is None or (self.message.words_into is not None and not shown):
            return
        try:
            result.place(self.into, shown)
        except ValueError as error:
            raise mistake(str(error), self.place) from error


async def time_under(key: str, work: Work) -> datetime:
    """The time at which the job first asked for it under this key."""
    if (outcome := work.journal.outcome(key)) is None:
        first = work.inherited.get(key)
        if first is None or first.step != _NOW:
            first = _own(_NOW, key, work.clock())
        outcome = await work.journal.write(key, first)
    if outcome.step != _NOW:
        raise _mismatch(work, outcome, "where the pattern now asks for the time")
    work.tell_outcome(outcome)
    return datetime.fromtimestamp(outcome.value, UTC)


async def patch_under(key: str, work: Work) -> bool:
    """Whether the job takes the change under this key: decided, and journaled, where it is asked for the first time."""
    if (outcome := work.journal.outcome(key)) is None:
        outcome = await work.journal.write(key, _own(_PATCH, key, not await work.not_asked_for()))
    if outcome.step != _PATCH:
        raise _mismatch(work, outcome, "where the pattern now asks for a patch")
    work.tell_outcome(outcome)
    return bool(outcome.value)


def refused_patch(change: str) -> Outcome:
    """The fact that a job was past a change, under its key."""
    return _own(_PATCH, f"patch-{change}", False)


async def check_all_asked(work: Work) -> None:
    """Raises Failure("replay_mismatch") if steps were begun that the pattern, which has returned, did not ask for."""
    for key in await work.not_asked_for():
        raise Failure("replay_mismatch", f"{key} was begun, and the pattern does not ask for it any more")


def fingerprint(step: str, given: Any) -> str:
    """Of a step's input, as JSON: a replay that asks for something else is refused."""
    content = json.dumps([step, given], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _own(step: str, key: str, value: Any) -> Outcome:
    """Of what the aggregator does itself."""
    return Outcome(step=step, key=key, attempt=1, fingerprint="", n=0, service=AGGREGATOR, value=value)


def _is_abandoned(outcome: Outcome) -> bool:
    return outcome.failure is not None and outcome.failure.code == ABANDONED


def _difference(asked: StepMessage, done: Outcome) -> str | None:
    """What was done instead of what is asked for; None if it is that."""
    if done.step != asked.step:
        return f"where the pattern now asks for {asked.step}"
    if not done.fingerprint:  # the message could not be read
        return None
    if done.fingerprint != asked.fingerprint:
        return "with another input than the pattern now gives it"
    return f"with its output at {done.into}, not at {asked.into} as it is now" if done.into != asked.into else None


def _mismatch(work: Work, outcome: Outcome, how: str) -> Failure:
    return Failure(
        "replay_mismatch",
        f"the journal of {work.job.id} has {outcome.step} under {outcome.key!r} {how}: "
        "it was changed while the job ran, or is not deterministic",
    )
