"""What an author writes against.

A pattern is a coroutine `async def pattern(run: Run, request: Request) -> Result`. It may be run again from the
top at any time, on another machine, where its finished steps return at once what the journal has of them. So it
must be a function of its request and its steps' outputs alone: no I/O, and no clock or randomness but the run's.
`run.step` is the only way to have something done.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Generic, Literal, Protocol, TypeVar, overload
from uuid import UUID

from pydantic import BaseModel, JsonValue

from penstock.contracts.job import PatternContract
from penstock.contracts.options import PatternRequest
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Complexity, In, Out, Step
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import Turn
from penstock.drawing import drawn
from penstock.errors import Misconfigured, StepFailed

Req = TypeVar("Req", bound=PatternRequest)
Res = TypeVar("Res", bound=BaseModel)
T = TypeVar("T", bound=BaseModel)

#: What is wrong with a reply that fits its schema: a sentence for each fault.
Check = Callable[[Any], Sequence[str]]


class Run(ABC):
    """One job's run. A method takes effect when it is called, not when what it returns is awaited."""

    #: The job's id.
    job: str
    #: How many steps of this job may wait or execute at once: `map` keeps to it, and a pattern where it fans out.
    fan_out: int

    @abstractmethod
    def step(
        self,
        step: Step[In, Out],
        input: In,
        *,
        into: str | None = None,
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Out]:
        """Have `step` done once, and await its output.

        The step is dispatched at the call, so two calls whose results are awaited later run at once. Its key is
        `key`, or the step's name and a running number in the order of the calls. It must be the same in every
        replay: where concurrent branches make that order vary, give a `key`.

        `into` is the place of the result (RFC 6901) in which the output, or a Turn's words, grows while it is made; ""
        spreads its members over the root, a trailing "/" over the place before it. `complexity` overrides the step's.

        Raises StepFailed when the step failed for good, Failure("replay_mismatch") when the journal has
        another step or another input under this key, Failure("input_too_large") when no message can hold the
        input, Failure("too_many_steps") for one more than a job may have, PatternMistake (a ValueError) for a step that
        the pattern does not name, a key that is in use or no token, or when something stands at `into` already.
        """

    @overload
    def map(
        self,
        step: Step[In, Out],
        inputs: Iterable[In],
        *,
        into: str | None = None,
        on_error: Literal["raise"] = "raise",
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[tuple[Out, ...]]: ...

    @overload
    def map(
        self,
        step: Step[In, Out],
        inputs: Iterable[In],
        *,
        into: str | None = None,
        on_error: Literal["collect"],
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[tuple[Out | StepFailed, ...]]: ...

    @abstractmethod
    def map(
        self,
        step: Step[In, Out],
        inputs: Iterable[In],
        *,
        into: str | None = None,
        on_error: Literal["raise", "collect"] = "raise",
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Any]:
        """Have `step` done once for each input, and await the outputs in the order of the inputs.

        No more than `fan_out` are dispatched at once, of all maps of the job together. The output of item `i` grows at
        `<into>/<i>`, and the array is closed at the end. Keys are numbered from 1, on `key` or the step's name.

        on_error="raise": the first failure is raised, and what is still at work is given up. "collect": the
        StepFailed is in the place of the output, and null in the array.
        """

    @abstractmethod
    def wait(self, signal: str, body: type[T], *, timeout: float | None = None, key: str | None = None) -> Awaitable[T]:
        """Have the job wait until somebody gives it `signal`, and await what was said.

        `signal` and `body` are as in Pattern.signals. It is given once, the first counts, and it may come before the
        wait. The wait begins at the call; `key`, as for a step, by default the signal's name and a running number.

        Raises WaitTimedOut after `timeout` seconds; without one, shortly before the job is past its retention.
        """

    @abstractmethod
    def sleep(self, seconds: float, *, key: str | None = None) -> Awaitable[None]:
        """Have the job go on after `seconds`, days if need be; the time begins at the call, and no crash ends it."""

    @abstractmethod
    def sub(
        self,
        pattern: "Pattern[Req, Res]",
        request: "Req | Mapping[str, Any]",
        *,
        into: str | None = None,
        key: str | None = None,
    ) -> "Awaitable[Res]":
        """Run another pattern as a part of this job, and await its result.

        The result grows at `into`, a place that is closed at the end; "" spreads its members over the root.

        It has to be in `Pattern.subs`, or be this pattern or one that this one is a part of, up to 8 in one another.
        Its steps are journaled under `<key>__<their key>`; `key` is by default its name and a running number. Of its
        request's options, `deadline_seconds` and `webhook` mean nothing; the job's `priority` and `model` hold where it
        has none.

        Raises what it raises: StepFailed and other Failures may be caught. Its other steps are given up then; what it
        streamed stands until it is retracted here.
        """

    @abstractmethod
    def now(self, *, key: str | None = None) -> Awaitable[datetime]:
        """The time (UTC, by NATS's clock) when this was first asked for: journaled, like a step, under `now-<n>`."""

    @abstractmethod
    def random(self, *, key: str | None = None) -> Random:
        """A generator that gives the same numbers in every replay, and others at the next call. Not for secrets.

        Calls are counted; where concurrent branches make their order vary, give a `key`.
        """

    @abstractmethod
    def uuid(self, *, key: str | None = None) -> UUID:
        """A UUID (version 4) that is the same in every replay. Not for secrets. `key`: as for `random`."""

    @abstractmethod
    def patched(self, change: str) -> Awaitable[bool]:
        """Whether the job takes the pattern's `change`, a key: no for one that was past this point without it.

        Whether it was, is decided once, by what it has had done: whether there is a step, finished or still being done,
        or a wait, that the pattern has not asked for by now. The answer is journaled, like a step, under
        `patch-<change>`. Steps that are asked for at the same time are better before than beside it: those of another
        branch may count as past this point.
        """

    @abstractmethod
    def put(self, path: str, value: JsonValue | BaseModel) -> None:
        """Write a value that needs no step at `path` of the result. Raises PatternMistake for a place written twice."""

    @abstractmethod
    def retract(self, path: str) -> None:
        """Make void what was streamed at and below `path`, so that another step may write there.

        Readers of events receive `part.retract`. A reader of plain JSON who was sent something of it already is
        disconnected: sent text cannot be changed.
        """

    @abstractmethod
    def close(self, path: str) -> None:
        """Promise that nothing more comes at or below `path`: an array is complete, an optional member is absent."""


class Model(Protocol):
    """The model of one attempt at a step, of the step's tier. What it is asked is counted, journaled and priced.

    A reply that does not fit, or in which `check` finds faults, is asked for again. `stream`: the reply is the step's
    output, and readers see it grow; of one attempt, one reply can be that. Raises OutputInvalid, OutputTruncated or
    another ModelFailure in the end, ModelUnavailable where the step is worth another attempt.
    """

    async def text(self, prompt: Prompt, check: Check | None = None, *, stream: bool = False) -> str:
        """A reply in plain text, never blank."""

    async def object(self, prompt: Prompt, output: type[T], check: Check | None = None, *, stream: bool = False) -> T:
        """A reply as `output`, validated strictly."""

    async def turn(self, prompt: Prompt, tools: Sequence[Tool[Any, Any] | Declaration], *, stream: bool = ...) -> Turn:
        """Text, tool calls, or both. Arguments are as the model gave them: the tool validates its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step's `do` is given beside its input."""

    job: str
    #: Whose job it is.
    tenant: str
    key: str
    #: Counts from 1; one may repeat.
    attempt: int
    #: Unix time, seconds, by NATS's clock: what runs then is cancelled.
    deadline: float
    #: Raises TypeError when it is asked by a step that asks no model.
    model: Model
    #: Show readers the next piece of the output, of a step whose output is `str`: what it returns must be all pieces.
    emit: Callable[[str], None]
    #: The prompt of the step's file for its input (or another file's of the pattern, for any model: `render(data,
    #: "name")`). Raises Misconfigured where there is none, or it does not fit.
    render: Callable[..., Prompt]


@dataclass(frozen=True, kw_only=True)
class Pattern(Generic[Req, Res]):
    """A line in the table of patterns.

    Its prompts are the files `prompts/<step>.md` (or the name in `Step.prompt`) beside the module of `run`. The names
    of its steps are its own: they have its name in their subjects, consumers and metrics. `subs`: those that it runs
    as a part of itself; their steps are executed wherever its own are, and they need no route.
    `version`, a token, says that a change does not suit jobs that run: each goes on with the version it began with
    while a replica has that. `signals` are what can be said to its jobs while they run, by name, each with the model of
    its body; a name that ends in `-*` stands for all that begin so. `example` is a request that shows the pattern: the
    demo, the docs and OpenAPI use it.
    """

    name: str
    summary: str
    run: Callable[[Run, Req], Awaitable[Res]]
    request: type[Req]
    result: type[Res]
    steps: tuple[Step[Any, Any], ...]
    subs: "tuple[Pattern[Any, Any], ...]" = ()
    example: Req
    version: str = ""
    signals: Mapping[str, type[BaseModel]] = field(default_factory=dict)

    def signal(self, name: str) -> type[BaseModel] | None:
        """The model of a signal's body; None where the pattern has no such signal.

        That of a part is called `<key of the part>__<signal>`, as the part's steps are.
        """
        return next(self.models_of_signal(name), None)

    def models_of_signal(self, name: str) -> Iterator[type[BaseModel]]:
        """Those that a signal of this name may have, the likely ones first: only a run knows what a part's key is."""
        part, between, rest = name.partition("__")
        if not between:
            known = ((one, model) for one, model in self.signals.items() if one[-2:] == "-*")
            if name in self.signals:
                yield self.signals[name]
            else:
                yield from [model for one, model in known if name.startswith(one[:-1])][:1]
            return
        # a key is by default made of the pattern's name and a number
        for sub in sorted((*self.subs, self), key=lambda sub: sub.name != part.rpartition("-")[0]):
            yield from sub.models_of_signal(rest)

    def contract(self) -> PatternContract:
        """What callers need to know of the pattern."""
        return PatternContract(
            name=self.name,
            summary=self.summary,
            drawing=drawn(sys.modules[self.run.__module__].__doc__),
            request=self.request.model_json_schema(by_alias=True),
            result=self.result.model_json_schema(by_alias=True, mode="serialization"),
            signals={name: body.model_json_schema(by_alias=True) for name, body in self.signals.items()},
            example=self.example.model_dump(mode="json", by_alias=True),
        )

    @property
    def prompts(self) -> Path:
        """The folder of the prompt files."""
        module = sys.modules[self.run.__module__]
        if module.__file__ is None:
            raise Misconfigured(f"pattern {self.name!r} is defined in {module.__name__}, which is no file")
        return Path(module.__file__).parent / "prompts"

    def prompt_of(self, step: Step[Any, Any]) -> Path:
        """Where the prompt file of a step is; one with a `do` needs none."""
        return step.prompt if isinstance(step.prompt, Path) else self.prompts / f"{step.prompt or step.name}.md"
