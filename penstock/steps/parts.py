"""The growing output of one attempt at a step, from the model's pieces to events."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from pydantic import BaseModel

from penstock.contracts.events import Delta, Event, PartEnd, PartReset, PartStart, StepRetrying, StepStarted
from penstock.contracts.turns import Turn
from penstock.contracts.usage import Usage
from penstock.document import JsonPieces, Piece, TextPieces, WordPieces
from penstock.document.strings import Characters, whole

#: Characters that are read at once, and of the JSON text of one delta. Each takes up to 7 and 4 bytes of a message.
_AT_ONCE, _DELTA = 16_384, 65_536
#: Under load, fewer and longer deltas are cheaper: a flush that came late makes the next ones later by so many times
#: that, up to so many flush intervals.
_PER_LATENESS, _LONGEST = 4, 5


class Log(Protocol):
    """The job's events (penstock.jetstream.event_log)."""

    def send(self, event: Event, *, waited: float | None = None) -> None: ...


class Seen(Protocol):
    """Is told of the attempt (penstock.steps.metrics)."""

    def begun(self) -> None: ...

    def piece(self) -> None: ...

    def reset(self) -> None: ...


def written(output: Any) -> str:
    """An output as a model writes it: text, the text of a turn, or JSON."""
    if isinstance(output, Turn):
        return output.text
    return output if isinstance(output, str) else output.model_dump_json()


class PartSink:
    """Where an executor's model writes (`penstock.llm.ask.Sink`). `by`: the `k`, `a` and `i` of the attempt's events.

    Pieces that arrive within `flush_interval` seconds of the last flush go out together, in as many deltas as messages
    can hold; the first goes out at once. While this process is late, that grows to five times as long. Number 0 is
    `step.started`; for a step given up before it starts, it is `part.reset`.
    """

    def __init__(
        self,
        log: Log,
        by: Mapping[str, Any],
        seen: Seen | None = None,
        *,
        into: str | None,
        output: type[Any],
        flush_interval: float,
    ) -> None:
        self._log, self._by, self._into, self._output, self._flush_interval = log, by, into, output, flush_interval
        self._seen = seen
        #: Whether readers may have been shown something of the output, by this attempt or an earlier one.
        self._shown = by["a"] > 1
        #: How many events were sent.
        self.number = 0
        self._waiting: list[Piece] = []
        self._start: Callable[[], None] | None = None
        self._touched = False
        self._new_pieces()
        self._flushed_at = self._received_at = float("-inf")
        self._interval = flush_interval
        self._timer: asyncio.TimerHandle | None = None

    def started(self, step: str, service: str, model: str | None = None, **asked: Any) -> None:
        """Tell that the attempt has begun, what model is asked how, and that what an earlier one wrote is void."""
        self.starts(step, service, model, **asked)
        self.begin()

    def starts(self, step: str, service: str, model: str | None = None, **asked: Any) -> None:
        """The same, to be told with `begin`, or when there is anything else to tell."""
        self._start = partial(self._send, StepStarted, step=step, service=service, model=model, **asked)

    def begin(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            if self._seen:
                self._seen.begun()
            start()
            self._reset()

    def retrying(self, code: str, delay: float, usage: Usage) -> None:
        self._send(StepRetrying, code=code, delay_seconds=round(delay, 3), usage=usage)

    def text(self, piece: str) -> None:
        """The next piece of the model's text. Raises OutputInvalid at the first character that cannot be right."""
        self.begin()  # a reply that was kept had no turn to wait for
        if self._seen and not self._touched:
            self._seen.piece()
        self._touched = True
        if not self._waiting:
            self._received_at = asyncio.get_running_loop().time()
        for start in range(0, len(piece), _AT_ONCE):
            self._waiting += self._pieces.feed(self._characters.feed(piece[start : start + _AT_ONCE]))
        if self._into is None or not self._waiting or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._flushed_at + self._interval
        if due <= loop.time():
            self._flush()
        else:
            self._timer = loop.call_at(due, self._flush_due, due)

    def emit(self, piece: str) -> None:
        """The next piece of an executor's own. Raises TypeError where the output is no text."""
        if self._output is not str:
            raise TypeError(f"the output is {self._output.__name__}: only text can be shown in pieces")
        self.text(piece)

    def restart(self) -> None:
        """Forget what was written: the reply is asked for anew."""
        if self._touched:
            self.failed()
            self._new_pieces()

    def failed(self) -> None:
        """Tell that what was written is void: the step failed for good, and another may write at its place."""
        self.close()
        self._waiting.clear()
        self._reset()

    def finish(self, output: Any) -> Any:
        """End the parts; the step's value as JSON, exactly as it was streamed.

        An executor that streamed nothing has its `output` written whole. Raises ValueError for a text that is not what
        was streamed.
        """
        if not self._touched:
            self.text(written(output))
        self._waiting += self._pieces.feed(self._characters.feed("", last=True))
        self._waiting += self._pieces.finish()
        shown = output.words if isinstance(output, Turn) else output
        if isinstance(shown, str) and self._pieces.value != whole(shown):
            raise ValueError("it returned another text than it showed")
        self.close()
        self._flush()
        return output.model_dump(mode="json") if isinstance(output, Turn) else self._pieces.value

    def close(self) -> None:
        """Flush nothing any more by the clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _new_pieces(self) -> None:
        self._touched = False
        self._lengths: Counter[str] = Counter()  # of the text that was sent of each part
        self._characters = Characters()
        into = self._into or ""
        self._pieces: TextPieces | JsonPieces = TextPieces(into)
        if self._output is Turn:
            self._pieces = WordPieces(into)
        elif isinstance(self._output, type) and issubclass(self._output, BaseModel):
            self._pieces = JsonPieces(into.rstrip("/"), split_root=not into or into.endswith("/"))

    def _reset(self) -> None:
        if self._shown and self._into is not None:
            self._send(PartReset, p=self._into.rstrip("/"))
            if self._seen:
                self._seen.reset()
        self._shown = False

    def _flush_due(self, due: float) -> None:
        late = asyncio.get_running_loop().time() - due
        self._interval = min(self._flush_interval + _PER_LATENESS * late, _LONGEST * self._flush_interval)
        self._flush()

    def _flush(self) -> None:
        self._timer = None
        self._flushed_at = asyncio.get_running_loop().time()
        pieces, self._waiting = self._waiting, []
        if self._into is None:
            return
        self._shown = self._shown or bool(pieces)
        for p, of_part in groupby(pieces, lambda piece: piece.p):
            run = list(of_part)
            if p not in self._lengths:
                self._send(PartStart, p=p)
            text = ""
            for piece in run:
                text += piece.t
                if text and (piece is run[-1] or len(text) > _DELTA):
                    self._lengths[p] += len(text)
                    self._send(Delta, self._flushed_at - self._received_at, p=p, t=text)
                    text = ""
            if run[-1].last:
                self._send(PartEnd, p=p, length=self._lengths[p])

    def _send(self, event: Callable[..., Event], waited: float | None = None, **fields: Any) -> None:
        self.begin()
        self._log.send(event(**self._by, n=self.number, **fields), waited=waited)
        self.number += 1
