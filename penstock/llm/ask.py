"""What an executor asks a model with: whole answers, valid ones, whose pieces are heard while they arrive."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from penstock.contracts.turns import Part, TextPiece, ToolCall, Turn
from penstock.contracts.usage import Usage
from penstock.errors import OutputInvalid, OutputTruncated
from penstock.llm.chunk import Chunk, Finished
from penstock.llm.labels import CallLabels
from penstock.llm.meter import Meter
from penstock.llm.prompt import Prompt
from penstock.llm.repair_prompt import repair_prompt_for
from penstock.llm.tool import ToolSpec

#: How often a reply that is cut off or does not fit is asked for again, per question.
REPAIRS = 2

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


class Sink(Protocol):
    """Hears a reply while it arrives."""

    def text(self, piece: str) -> None:
        """The next piece. May raise OutputInvalid: the reply is then cut short and asked for again."""

    def restart(self) -> None:
        """What was heard since the last question is void: the reply is asked for again."""


class Streaming(Protocol):
    """`Llm`, or what stands before it (a cache, a limiter)."""

    def stream(
        self,
        prompt: Prompt,
        *,
        model: str,
        output: type[BaseModel] | type[str] = str,
        tools: Sequence[ToolSpec] = (),
        labels: CallLabels,
        meter: Meter | None = None,
    ) -> AsyncGenerator[Chunk, None]: ...


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """A model's turn in a tool loop. `turn` goes back to it, signatures and all, before the tools' results."""

    turn: Turn

    @property
    def text(self) -> str:
        return self.turn.text

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return self.turn.calls


class StepModel:
    """A model, bound to one attempt at one step.

    Each question is asked again up to `repairs` times when its reply is cut off or does not fit, with the reply and
    what is wrong with it; then OutputTruncated or OutputInvalid is raised with the last errors. ModelUnavailable and
    ModelFailure pass through.
    """

    def __init__(
        self, llm: Streaming, model: str, labels: CallLabels, sink: Sink | None = None, *, repairs: int = REPAIRS
    ) -> None:
        self._llm, self._model_asked, self._labels, self._sink, self._repairs = llm, model, labels, sink, repairs
        self._model: str | None = None
        self._meter = Meter()
        #: The last reply's text, as received.
        self.raw = ""

    @property
    def usage(self) -> Usage:
        """Of all calls so far, those that failed too."""
        return self._meter.usage

    @property
    def model(self) -> str:
        """The last version that answered; before that, the name asked for."""
        return self._meter.model or self._model or self._model_asked

    async def text(self, prompt: Prompt) -> str:
        """A reply in plain text, never blank."""
        return (await self._asked_until(_not_blank, prompt, sink=self._sink)).text

    async def object(self, prompt: Prompt, output: type[T]) -> T:
        """A reply as `output`, validated strictly and by wire names only: what was streamed is what is kept."""

        def validated(turn: ModelTurn) -> T:
            return output.model_validate_json(turn.text, strict=True, by_alias=True, by_name=False)

        return await self._asked_until(validated, prompt, output=output, sink=self._sink)

    async def turn(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> ModelTurn:
        """Text, tool calls, or both. Arguments are as the model gave them: the tool validates its own.

        The sink does not hear it: it listens for the step's output, and the words of a turn are not its JSON.
        """
        return await self._asked_until(_not_blank, prompt, tools=tools, sink=None)

    async def _asked_until(
        self,
        accept: Callable[[ModelTurn], R],
        prompt: Prompt,
        *,
        sink: Sink | None,
        output: type[BaseModel] | type[str] = str,
        tools: Sequence[ToolSpec] = (),
    ) -> R:
        question = prompt
        for number in range(self._repairs + 1):
            if number and sink is not None:
                sink.restart()
            try:
                return accept(await self._reply(question, output, tools, sink))
            except (OutputInvalid, OutputTruncated, ValidationError) as error:
                repair = repair_prompt_for(error)
            question = prompt.then(*repair.turns(self.raw))
        raise repair.failure(self._repairs + 1)

    async def _reply(
        self, prompt: Prompt, output: type[BaseModel] | type[str], tools: Sequence[ToolSpec], sink: Sink | None
    ) -> ModelTurn:
        parts: list[TextPiece | ToolCall] = []
        pieces: list[str] = []
        stream = self._llm.stream(
            prompt, model=self._model_asked, output=output, tools=tools, labels=self._labels, meter=self._meter
        )
        try:
            async with aclosing(stream):
                async for chunk in stream:
                    if isinstance(chunk, Finished):
                        self._model = chunk.model
                        continue
                    parts.append(chunk)
                    if isinstance(chunk, TextPiece) and chunk.text:
                        pieces.append(chunk.text)
                        if sink is not None:
                            sink.text(chunk.text)
        finally:
            self.raw = "".join(pieces)
        return ModelTurn(Turn(role="model", parts=_joined(parts)))


def _not_blank(turn: ModelTurn) -> ModelTurn:
    if not turn.calls and not turn.text.strip():
        raise OutputInvalid("the reply is blank")
    return turn


def _joined(parts: list[TextPiece | ToolCall]) -> tuple[Part, ...]:
    """The pieces of one text as one part; a piece with a signature stays apart, as it was signed."""
    joined: list[Part] = []
    for unsigned, run in groupby(parts, lambda part: isinstance(part, TextPiece) and part.signature is None):
        if unsigned:
            joined.append(TextPiece(text="".join(part.text for part in run if isinstance(part, TextPiece))))
        else:
            joined.extend(run)
    return tuple(joined)
