"""What the steps of a tested pattern give."""

import inspect
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from typing import Any, NoReturn, cast

from pydantic import BaseModel, ValidationError

from penstock.contracts.journal import Outcome
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step, StepMessage
from penstock.errors import Failure, Transient
from penstock.pattern import Model, Pattern, StepContext
from penstock.steps.parts import Log, PartSink, written
from penstock.steps.resources import Resources
from penstock.testing.told import NotSaid, PatternTestFailed, unfit

#: Pieces in which an output is streamed.
_PIECES = 3


class Script:
    """Executes steps by what the test says. Use as `async with`: what functions depend on is open meanwhile.

    `given`: by the key of the step, by `pattern/step`, or by the step's name; of several, the first of these counts.
    A key is executed once: asked again, its step has the same outcome, as in a journal.
    """

    def __init__(self, patterns: Mapping[str, Pattern[Any, Any]], given: Mapping[str, Any]) -> None:
        self._patterns, self._given = patterns, given
        self._resources, self._stack = Resources(), AsyncExitStack()
        self._functions = {
            name: self._resources.bind(one, f"the script of {name!r}") for name, one in given.items() if callable(one)
        }
        self._asked: Counter[str] = Counter()
        #: By key, all that was executed so far.
        self.outcomes: dict[str, Outcome] = {}

    async def __aenter__(self) -> "Script":
        self._stack.push_async_callback(self._resources.aclose)
        await self._resources.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def outcome(self, step: Step[Any, Any], message: StepMessage, log: Log) -> Outcome:
        """How the step ends. Raises PatternTestFailed where the script has nothing for it, or nothing that fits."""
        if message.key not in self.outcomes:
            self.outcomes[message.key] = await self._executed(step, message, log)
        return self.outcomes[message.key]

    async def _executed(self, step: Step[Any, Any], message: StepMessage, log: Log) -> Outcome:
        by = {"k": message.key, "a": 1, "i": "test"}
        sink = PartSink(log, by, into=message.place, output=step.output, flush_interval=0)
        sink.started(step.name, step.service, None)
        value, failure = None, None
        try:
            value = sink.finish(await self._streamed(step, message, sink))
        except (Failure, Transient) as error:
            sink.failed()
            failure = error if isinstance(error, Failure) else Failure(error.code, str(error))
        return Outcome(
            step=step.name,
            key=message.key,
            attempt=1,
            i="test",
            n=sink.number,
            fingerprint=message.fingerprint,
            service=step.service,
            into=message.into,
            words_into=message.words_into,
            value=value,
            failure=failure.problem().model_copy(update={"step": message.key}) if failure else None,
        )

    async def _streamed(self, step: Step[Any, Any], message: StepMessage, sink: PartSink) -> Any:
        about = f"step `{message.key}` ({message.pattern}/{step.name})"
        try:
            request = step.input.model_validate(message.input)
        except ValidationError as error:
            raise PatternTestFailed(
                f"the input of {about} does not survive being sent as JSON: {unfit(error)}"
            ) from error
        emitted = count()

        def emit(piece: str) -> None:
            next(emitted)
            sink.emit(piece)

        given = await self._output(step, message, request, about, emit)
        if isinstance(given, Exception):
            raise (
                given if isinstance(given, Failure | Transient) else Failure("step_error", f"{given!r} in {step.name}")
            )
        output = _fitting(step, given, about)
        if step.check and (faults := step.check(request, output)):
            raise PatternTestFailed(f"the output that {about} is given does not pass its check: {'; '.join(faults)}")
        if not next(emitted):
            text = written(output)
            size = max(1, -(-len(text) // _PIECES))
            for start in range(0, len(text), size):
                sink.text(text[start : start + size])
        return output

    async def _output(self, step: Step[Any, Any], message: StepMessage, request: Any, about: str, emit: Any) -> Any:
        for name in (message.key, f"{message.pattern}/{step.name}", step.name):
            if name in self._given:
                break
        else:
            own = f", or {step.do.__qualname__} itself to have it done" if step.do else ""
            raise NotSaid(
                f"{about} is asked, and the test does not say what it gives: steps={{{step.name!r}: …}} with "
                f"{'a text' if step.output is str else f'a {step.output.__name__}'}{own}"
            )
        if name in self._functions:
            context = StepContext(
                job=message.job,
                tenant=message.tenant,
                key=message.key,
                attempt=1,
                deadline=message.deadline,
                model=cast(Model, _NoModel(about)),
                emit=emit,
                render=partial(self._render, self._patterns[message.pattern], step),
            )
            given = self._functions[name](request, context)
            return await given if inspect.isawaitable(given) else given
        given = self._given[name]
        if not isinstance(given, list):
            return given
        self._asked[name] += 1
        if self._asked[name] > len(given):
            raise PatternTestFailed(f"{about} is asked, and the list of {name!r} has {len(given)} outputs only")
        return given[self._asked[name] - 1]

    @staticmethod
    def _render(pattern: Pattern[Any, Any], step: Step[Any, Any], *named: Any) -> Prompt:
        from penstock.steps.executor import executable_of  # it takes Jinja2

        return executable_of(pattern, step, Resources()).render(*named)


def _fitting(step: Step[Any, Any], given: Any, about: str) -> Any:
    """As the step's output, strictly: a model, or what a model's JSON would be."""
    fits = f"the output that {about} is given does not fit"
    if step.output is str:
        if not isinstance(given, str):
            raise PatternTestFailed(f"{fits}: it is {given!r}, where a text is expected")
        return given
    try:
        if isinstance(given, BaseModel) and not isinstance(given, step.output):
            raise PatternTestFailed(f"{fits}: it is a {type(given).__name__}, where {step.output.__name__} is expected")
        return step.output.model_validate(given)
    except ValidationError as error:
        raise PatternTestFailed(f"{fits} {step.output.__name__}: {unfit(error)}") from error


class _NoModel:
    def __init__(self, about: str) -> None:
        self._about = about

    def __getattr__(self, name: str) -> NoReturn:
        raise PatternTestFailed(f"{self._about} asks a model, and here is none: give its output instead")
