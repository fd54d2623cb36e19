"""A pattern under test: its job is run in this process, by a script, and then again from every beginning."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Generic

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from penstock.contracts.events import Event, JobCompleted, JobFailed
from penstock.contracts.usage import Usage
from penstock.document import Document, LinearJSON, Reader, Shape
from penstock.errors import Diverged, Misconfigured
from penstock.installed import advice
from penstock.pattern import Pattern, Req, Res
from penstock.runs.task import refused_patch
from penstock.testing.pattern_run import AskedStep, PatternRun
from penstock.testing.playing import Play, Stage
from penstock.testing.replays import replay
from penstock.testing.script import Script
from penstock.testing.told import PatternTestFailed, unfit

#: When a job of a test begins.
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


class PatternTest(Generic[Req, Res]):
    """Runs a pattern without NATS and without a model.

    `steps` says what its steps give, by the key of a step, by `pattern/step`, or by a step's name:

    - a value: a text, a model, or what a model's JSON would be;
    - a list of values, in turn, in the order in which the steps are asked for;
    - a function of the input, plain or async, such as the step's own `do`; it may have the parameters that a `do` has;
    - an exception: Failure or Transient, with its code; others as a `do` that raises them. In lists, too, and raised
      by a function (there another than these two ends the test).

    `signals` says what is said to the job, by the names of signals: a model, or what is sent as JSON; it is there
    before it is waited for. What is given no signal waits in vain: time passes at once.

    A step is done once for each key. Of several at work at once, the one that was asked for first ends first.

    `run` checks what production checks: inputs and outputs fit their models and pass JSON, a step's `check` passes, its
    prompt renders, and the result is what was streamed. Then it runs the same job again, up to `replays` times: from
    every beginning of its journal, and with steps at work at once that end in other orders. What is asked for, with
    which inputs and at which places, and what is returned must be the same. That finds uuid4(), time and random where
    their values matter; not a date that is the same all day, and not the order of a set, which differs between
    processes only (PYTHONHASHSEED).
    """

    def __init__(
        self,
        pattern: Pattern[Req, Res],
        steps: Mapping[str, Any] | None = None,
        *,
        signals: Mapping[str, Any] | None = None,
        fan_out: int | None = None,
        replays: int = 60,
        patience: float = 10,
    ) -> None:
        """`fan_out`: as PENSTOCK_FAN_OUT. `patience`: seconds for which the pattern may wait for what is no step."""
        self._pattern, self._given, self._signals = pattern, dict(steps or {}), dict(signals or {})
        self._fan_out, self._replays, self._patience = fan_out, replays, patience
        self._patterns = {one.name: one for one in _all_of(pattern)}

    async def run(
        self,
        request: "Req | Mapping[str, Any] | None" = None,
        steps: Mapping[str, Any] | None = None,
        *,
        signals: Mapping[str, Any] | None = None,
        unpatched: Iterable[str] = (),
    ) -> PatternRun[Res]:
        """A job of the pattern, by default of its example. `steps`, `signals`: more for it, or others than said.
        `unpatched`: changes (`run.patched`) that the job was past; it takes all others.

        Raises PatternTestFailed where the pattern or the script is not right, and what else the pattern raises that is
        no Failure. A job that fails as it should has a `failure`.
        """
        try:
            asked = self._pattern.request.model_validate(self._pattern.example if request is None else request)
            asked = self._pattern.request.model_validate_json(asked.model_dump_json(by_alias=True))
        except ValidationError as error:
            raise PatternTestFailed(f"the request does not fit {self._pattern.name}: {unfit(error)}") from error
        given = {**self._given, **(steps or {})}
        async with Script(self._patterns, given) as script:
            stage = Stage(
                pattern=self._pattern,
                request=asked,
                script=script,
                signals=_as_json({**self._signals, **(signals or {})}),
                started=BEGUN.timestamp(),
                fan_out=self._fan_out,
                patience=self._patience,
            )
            first = await stage.play(first={fact.key: fact for fact in map(refused_patch, unpatched)})
            if first.error is not None:
                raise first.error
            steps_asked = {key: self._asked(first, key) for key in first.asked}
            first.log.send(_end(first))
            events = tuple(_accepted(first.log.sent))
            text, cut_off = self._read(events)
            replays = await replay(stage, first, self._replays)
        return PatternRun(
            events=events,
            steps=steps_asked,
            text=text,
            cut_off=cut_off,
            failure=first.failure,
            replays=replays,
            _result=first.returned,
        )

    def _asked(self, play: Play, key: str) -> AskedStep:
        message, outcome = play.asked[key], play.facts.outcome(key)
        pattern = self._patterns[message.pattern]
        step = next(step for step in pattern.steps if step.name == message.step)
        given = step.input.model_validate(message.input)
        prompt: str | Misconfigured | None = None
        if step.do is None:
            try:
                from penstock.steps.prompts import PromptFile

                rendered = PromptFile.of(pattern, step).render(given)
                prompt = "\n---\n".join(filter(None, (rendered.system, *(turn.text for turn in rendered.turns))))
            except ModuleNotFoundError as error:
                if (missing := advice(error)) is None:
                    raise
                prompt = Misconfigured(missing)
        value: Any = outcome.value if outcome else None
        return AskedStep(
            key=key,
            name=step.name,
            pattern=pattern.name,
            input=given,
            into=message.place,
            complexity=message.complexity,
            priority=message.priority,
            output=value if value is None or step.output is str else step.output.model_validate(value),
            failure=outcome.failure.code if outcome and outcome.failure else None,
            _prompt=prompt,
        )

    def _read(self, events: tuple[Event, ...]) -> tuple[str, bool]:
        """The plain JSON, and whether its reader was cut off."""
        linear, text = LinearJSON(Shape.of(self._pattern.result)), ""
        document = Document()
        try:
            for event in events:
                if isinstance(event, JobCompleted) and document.value != event.result:
                    raise PatternTestFailed(
                        f"{self._pattern.name} streamed {document.value}, and ended as {event.result}"
                    )
                document.apply(event)
                text += linear.feed(event)
        except Diverged:
            return text, True
        return text, False


def _as_json(signals: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_jsonable_python(body, by_alias=True) for name, body in signals.items()}


def _all_of(pattern: Pattern[Any, Any]) -> Iterator[Pattern[Any, Any]]:
    """It, and those that are parts of it."""
    found = [pattern]
    for one in found:
        yield one
        found += [sub for sub in one.subs if not any(sub is known for known in found)]


def _accepted(events: list[Event]) -> Iterator[Event]:
    reader = Reader()
    return (event for event in events if reader.accept(event))


def _end(play: Play) -> Event:
    if play.failure is not None:
        return JobFailed(id="end", problem=play.failure.problem(), usage=Usage())
    document = play.document or {}
    missing = tuple(name for name, value in document.items() if value is None)
    return JobCompleted(id="end", result=document, usage=Usage(), missing=missing)
