"""What an executor asks a model with: complete, valid answers, whose pieces are streamed while they arrive."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import groupby
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import Kept, Part, TextPiece, ToolCall, Turn
from penstock.contracts.usage import Paid, Usage
from penstock.document.strings import whole
from penstock.errors import OutputInvalid, OutputTruncated
from penstock.llm.cache import Cache
from penstock.llm.repair_prompt import described, faults_by, faults_of, repair_turns
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter
from penstock.pattern import Check

#: How often a reply that is truncated or does not fit is asked for again, per question.
REPAIRS = 2
#: Tool calls in one turn: each becomes a step of the job.
MAX_CALLS = 32

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


class Sink(Protocol):
    """Takes a reply while it arrives."""

    def text(self, piece: str) -> None:
        """The next piece. May raise OutputInvalid: the call is then aborted and the reply asked for again."""

    def restart(self) -> None:
        """The pieces since the last question are void: the reply is asked for again."""


class Door(Protocol):
    """What `penstock.llm.client.Llm` is, or stands before it."""

    @property
    def stream(self) -> Callable[..., AsyncGenerator[TextPiece | ToolCall, None]]: ...

    @property
    def identity(self) -> Callable[..., bytes]: ...


class StepModel:
    """A model, bound to one attempt at one step.

    A reply that does not fit is asked for again up to `REPAIRS` times, with the reply and what is wrong with it; the
    last time `stronger` is asked, if there is one. A reply that was cut off is asked for with the least thinking, which
    counts as output; if it was that already, much shorter where `may_shorten` says so, and else from `stronger`: one
    that runs away in one model may end in another, but not in the same one asked the same. In the end OutputTruncated
    or OutputInvalid is raised with the last errors. ModelUnavailable and ModelFailure pass through.
    Without `llm` any question raises TypeError.

    With a `cache`, what answers a question in the end is kept, and an equal one of another attempt or job is answered
    with it: it is streamed alike and costs nothing. What is asked again on purpose, by this attempt or by a step before
    it in the job (`asked_before` of them), is another question.
    """

    def __init__(
        self,
        llm: Door | None,
        asked: Asked,
        labels: Mapping[str, str],
        sink: Sink | None = None,
        *,
        stronger: Asked | None = None,
        may_shorten: bool = False,
        cache: Cache | None = None,
        asked_before: int = 0,
        meter: Meter | None = None,
    ) -> None:
        self._llm, self._asked, self._labels, self._sink = llm, asked, labels, sink
        self._stronger, self._may_shorten = stronger or asked, may_shorten
        self._meter = Meter() if meter is None else meter
        #: Which model was asked last, and how.
        self.asked = asked
        self._cache, self._asked_before = cache, asked_before
        self._times: Counter[bytes] = Counter()
        #: Under which keys replies were found or kept, and how many were found.
        self._keys: list[str] = []
        self._found = 0
        self._pieces: list[TextPiece | ToolCall] = []

    @property
    def raw(self) -> str:
        """The last reply's text, as received."""
        return whole("".join(part.text for part in self._pieces if isinstance(part, TextPiece)))

    @property
    def usage(self) -> Usage:
        """Of all calls so far, those that failed too."""
        return self._meter.usage

    @property
    def paid(self) -> Paid:
        """The same by the model that answered."""
        return self._meter.paid

    @property
    def model(self) -> str:
        """The last version that answered; before that, the name asked for."""
        return self._meter.model or self._asked.model

    @property
    def cached(self) -> bool:
        """Whether nothing was asked that was not answered by a reply that was kept."""
        return self._found > 0 and not self.usage.calls

    async def forget(self) -> None:
        """Nobody else is to be answered so: the step failed with these replies."""
        if self._cache is not None:
            for key in self._keys:
                await self._cache.forget(key)

    async def text(self, prompt: Prompt, check: Check | None = None, *, stream: bool = False) -> str:
        """A reply in plain text, never blank. `stream`: its pieces go to the sink."""
        sink = self._sink if stream else None
        return await self._asked_until(lambda turn: _usable(turn).text, prompt, check=check, sink=sink)

    async def object(self, prompt: Prompt, output: type[T], check: Check | None = None, *, stream: bool = False) -> T:
        """A reply as `output`, validated strictly and by wire names only: what was streamed is what is kept."""
        validate = partial(output.model_validate_json, strict=True, by_alias=True, by_name=False)
        sink = self._sink if stream else None
        return await self._asked_until(lambda turn: validate(turn.text), prompt, output=output, check=check, sink=sink)

    async def turn(
        self, prompt: Prompt, tools: Sequence[Tool[Any, Any] | Declaration], *, stream: bool = False
    ) -> Turn:
        """Text, up to MAX_CALLS tool calls, or both. Arguments are as the model gave them: the tool validates its own.

        It goes back to the model, signatures and all, before the tools' results. `stream`: its text goes to the sink,
        for a step whose output is this turn.
        """
        return await self._asked_until(_usable, prompt, tools=tools, sink=self._sink if stream else None)

    async def _asked_until(
        self,
        accept: Callable[[Turn], R],
        prompt: Prompt,
        *,
        sink: Sink | None,
        output: type[BaseModel] | type[str] = str,
        tools: Sequence[Tool[Any, Any] | Declaration] = (),
        check: Check | None = None,
    ) -> R:
        if self._llm is None:
            raise TypeError("this step asks no model: it needs Step(uses_model=True)")
        ask = partial(self._ask, self._llm, accept, prompt, sink=sink, output=output, tools=tools, check=check)
        if self._cache is None:
            return await ask()

        async def ask_and_keep() -> tuple[R, Kept]:
            return await ask(), Kept.of(self.model, self._pieces)

        def read(kept: Kept) -> R:
            value = accept(_turn(kept.pieces))
            if check and (faults := faults_by(check(value))):
                raise OutputInvalid("the reply that was kept does not fit any more", faults)
            return value

        about = self._llm.identity(prompt, asked=self._asked, output=output, tools=tools)
        key = self._key(about, streamed=sink is not None)
        value, kept = await self._cache.reply(key, read, ask_and_keep)
        self._keys.append(key)
        if kept is not None:
            self._found += 1
            self._meter.model, self._pieces = kept.model, kept.pieces
            for piece in self._pieces:
                _show(piece, sink)
        return value

    def _key(self, about: bytes, *, streamed: bool) -> str:
        """Of all that decides what a question is answered with in the end, but for `check`: that is applied again."""
        again = self._times[about]
        self._times[about] += 1
        rest = self._stronger, self._may_shorten, streamed, self._asked_before, again
        return sha256(about + repr(rest).encode()).hexdigest()

    async def _ask(
        self,
        llm: Door,
        accept: Callable[[Turn], R],
        prompt: Prompt,
        *,
        sink: Sink | None,
        output: type[BaseModel] | type[str],
        tools: Sequence[Tool[Any, Any] | Declaration],
        check: Check | None,
    ) -> R:
        question, asked, truncated = prompt, self._asked, False
        for number in range(REPAIRS + 1):
            if number and sink is not None:
                sink.restart()
            self.asked = asked
            stream = llm.stream(
                question, asked=asked, output=output, tools=tools, labels=self._labels, meter=self._meter
            )
            try:
                value = accept(await self._reply(stream, sink))
                if not (faults := faults_by(check(value)) if check else ()):
                    return value
                truncated = False
            except (OutputInvalid, OutputTruncated, ValidationError) as error:
                faults, truncated = faults_of(error), isinstance(error, OutputTruncated)
            if truncated and (least := _thinking_least(asked)) != asked:
                question, asked = prompt, least
            elif truncated and not self._may_shorten:
                if asked.model == self._stronger.model:
                    break
                question, asked = prompt, _thinking_least(self._stronger)
            else:
                question = prompt.then(*repair_turns(self.raw, faults, truncated=truncated))
                if number + 1 == REPAIRS and not truncated:
                    asked = self._stronger
        detail = f"none of {number + 1} replies was usable; the last: {'; '.join(map(described, faults))}"
        raise (OutputTruncated if truncated else OutputInvalid)(detail, faults)

    async def _reply(self, stream: AsyncGenerator[TextPiece | ToolCall, None], sink: Sink | None) -> Turn:
        self._pieces = []
        async with aclosing(stream):
            async for piece in stream:
                self._pieces.append(piece)
                _show(piece, sink)
        return _turn(self._pieces)


def _show(piece: TextPiece | ToolCall, sink: Sink | None) -> None:
    if sink is not None and isinstance(piece, TextPiece) and piece.text:
        sink.text(piece.text)


def _thinking_least(asked: Asked) -> Asked:
    return replace(asked, thinking="low") if asked.thinking in ("medium", "high") else asked


def _usable(turn: Turn) -> Turn:
    if not turn.calls and not turn.text.strip():
        raise OutputInvalid("the reply is blank")
    if len(turn.calls) > MAX_CALLS:
        raise OutputInvalid(f"{len(turn.calls)} tools are called at once; at most {MAX_CALLS} may be")
    try:
        turn.model_dump_json()
    except PydanticSerializationError:
        raise OutputInvalid("the reply holds half a character (a lone surrogate)") from None
    return turn


def _turn(pieces: Sequence[TextPiece | ToolCall]) -> Turn:
    """The pieces of one text as one part; a piece with a signature stays apart, as it was signed."""
    joined: list[Part] = []
    for unsigned, run in groupby(pieces, lambda piece: isinstance(piece, TextPiece) and piece.signature is None):
        if unsigned:
            joined.append(TextPiece(text=whole("".join(part.text for part in run if isinstance(part, TextPiece)))))
        else:
            joined.extend(run)
    return Turn(role="model", parts=tuple(joined))
