"""What is told of one call of a model, by whoever makes it: a line in the log when it begins, and one when it ends."""

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any

from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import as_text
from penstock.contracts.turns import Part, TextPiece, ToolCall
from penstock.correlation import Contents
from penstock.errors import PenstockError
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter

log = logging.getLogger(__name__)

Pieces = AsyncGenerator[TextPiece | ToolCall, None]
#: Characters of a prompt or a reply that are logged, where any are.
_MOST = 4_000


def told(stream: Callable[..., Pieces]) -> Callable[..., Pieces]:
    """Of each call of this method, which is `Llm.stream`. Of what it is asked and answers, only lengths are told, but
    where PENSTOCK_LOG_CONTENTS allows more.
    """

    @wraps(stream)
    async def telling(self: Any, prompt: Prompt, *, asked: Asked, meter: Meter, **how: Any) -> Pieces:
        call = Call(prompt, asked, meter)
        try:
            async with aclosing(stream(self, prompt, asked=asked, meter=meter, **how)) as pieces:
                async for piece in pieces:
                    call.pieces.append(piece)
                    if not call.first:
                        call.first = time.monotonic()
                    yield piece
        except BaseException as error:
            call.end(error)
            raise
        call.end(None)

    return telling


class Call:
    """From its begin to its `end`."""

    def __init__(self, prompt: Prompt, asked: Asked, meter: Meter) -> None:
        self._asked, self._meter, self._before = asked, meter, meter.usage
        self.pieces = list[TextPiece | ToolCall]()
        self._began, self.first = time.monotonic(), 0.0
        about = {
            "model": asked.model,
            "thinking": asked.told,
            "temperature": asked.temperature,
            "prompt_chars": len(prompt.system) + sum(_length(part) for turn in prompt.turns for part in turn.parts),
            "turns": len(prompt.turns),
            "prompt": Contents(lambda: said_in(prompt)[:_MOST]),
        }
        log.info("model call begins", extra=_given(about))

    def end(self, error: BaseException | None) -> None:
        used, before = self._meter.usage, self._before
        answered = used.calls > before.calls
        failed = isinstance(error, PenstockError)
        about = {
            "model": self._meter.model if answered and self._meter.model else self._asked.model,
            "duration_ms": _ms(time.monotonic() - self._began),
            "first_piece_ms": _ms(self.first - self._began) if self.first else None,
            "reply_chars": sum(map(_length, self.pieces)),
            "tool_calls": sum(isinstance(piece, ToolCall) for piece in self.pieces) or None,
            "prompt_tokens": used.prompt_tokens - before.prompt_tokens,
            "output_tokens": used.output_tokens - before.output_tokens,
            "thinking_tokens": used.thinking_tokens - before.thinking_tokens,
            "cached_tokens": used.cached_tokens - before.cached_tokens,
            "cost_usd": None if used.cost_usd is None else round(used.cost_usd - (before.cost_usd or 0.0), 9),
            "code": getattr(error, "code", None),
            "error": Contents(lambda: str(error)) if failed else None,
            "reply": Contents(lambda: "".join(map(_said, self.pieces))[:_MOST]),
        }
        how = "completed" if error is None else "failed" if failed else "given up"
        log.info("model call %s", how, extra=_given(about))


def said_in(prompt: Prompt) -> str:
    """The whole of it, as one text."""
    turns = (f"{turn.role}: {''.join(map(_said, turn.parts))}" for turn in prompt.turns)
    return "\n\n".join((f"system: {prompt.system}", *turns) if prompt.system else turns)


def _said(part: Part) -> str:
    return part.text if isinstance(part, TextPiece) else f"[{part.name} {as_text(_value(part))}]"


def _length(part: Part) -> int:
    return len(part.text) if isinstance(part, TextPiece) else len(as_text(_value(part)))


def _value(part: Part) -> object:
    return part.args if isinstance(part, ToolCall) else getattr(part, "output", "")


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _given(about: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if value is not None}
