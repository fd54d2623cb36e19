"""What is told of one call of a model by whoever makes it: a line in the log when it begins, one when it ends; a span.

The span's attributes are those of OpenTelemetry's conventions for generative AI.
"""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import wraps
from itertools import groupby
from typing import Any

from penstock import tracing
from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import as_text
from penstock.contracts.turns import Part, TextPiece, ToolCall, ToolResult
from penstock.correlation import Contents
from penstock.errors import PenstockError
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter

log = logging.getLogger(__name__)

Pieces = AsyncGenerator[TextPiece | ToolCall, None]
#: Characters of a prompt or a reply that are logged, where any are.
_MOST = 4_000
#: Members of Usage.
_TOKENS = ("prompt_tokens", "output_tokens", "thinking_tokens", "cached_tokens")


def told(stream: Callable[..., Pieces]) -> Callable[..., Pieces]:
    """Of each call of this method, which is `Llm.stream`. Of what it is asked and answers only lengths are told, but
    where PENSTOCK_LOG_CONTENTS or PENSTOCK_TRACE_CONTENTS allows more.
    """

    @wraps(stream)
    async def telling(self: Any, prompt: Prompt, *, asked: Asked, meter: Meter, **how: Any) -> Pieces:
        call = _Call(prompt, asked, meter)
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


class _Call:
    """From its begin to its `end`."""

    def __init__(self, prompt: Prompt, asked: Asked, meter: Meter) -> None:
        self._prompt, self._asked, self._meter, self._before = prompt, asked, meter, meter.usage
        self.pieces = list[TextPiece | ToolCall]()
        named = {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.provider.name": "gcp.gemini",
            "gen_ai.request.model": asked.model,
            "gen_ai.request.stream": True,
            "gen_ai.request.temperature": asked.temperature,
        }
        self._span = tracing.begin(f"generate_content {asked.model}", named, kind="client", enter=False)
        self._began, self.first = time.monotonic(), 0.0
        if not log.isEnabledFor(logging.INFO):
            return
        about = {
            "model": asked.model,
            "thinking": asked.told,
            "temperature": asked.temperature,
            "prompt_chars": len(prompt.system) + sum(_length(part) for turn in prompt.turns for part in turn.parts),
            "turns": len(prompt.turns),
            "prompt": Contents(lambda: _text(prompt)[:_MOST]),
        }
        log.info("model call begins", extra=_known(about))

    def end(self, error: BaseException | None) -> None:
        if not (self._span.is_recorded or log.isEnabledFor(logging.INFO)):
            return
        after, before = self._meter.usage, self._before
        tokens = {name: getattr(after, name) - getattr(before, name) for name in _TOKENS}
        cost = None if after.cost_usd is None else round(after.cost_usd - (before.cost_usd or 0.0), 9)
        answered = after.calls > before.calls and self._meter.model
        model, failed = answered or self._asked.model, isinstance(error, PenstockError)
        code = getattr(error, "code", None)
        first = self.first - self._began if self.first else None
        about = {
            "model": model,
            "duration_ms": _ms(time.monotonic() - self._began),
            "first_piece_ms": None if first is None else _ms(first),
            "reply_chars": sum(map(_length, self.pieces)),
            "tool_calls": sum(isinstance(piece, ToolCall) for piece in self.pieces) or None,
            **tokens,
            "cost_usd": cost,
            "code": code,
            "error": Contents(lambda: str(error)) if failed else None,
            "reply": Contents(lambda: "".join(map(_said, self.pieces))[:_MOST]),
        }
        how = "completed" if error is None else "failed" if failed else "given up"
        log.info("model call %s", how, extra=_known(about))
        if self._span.is_recorded:
            used = {
                "gen_ai.response.model": answered or None,
                "gen_ai.response.time_to_first_chunk": first,
                "gen_ai.usage.input_tokens": tokens["prompt_tokens"],
                "gen_ai.usage.output_tokens": tokens["output_tokens"] + tokens["thinking_tokens"],
                "gen_ai.usage.reasoning.output_tokens": tokens["thinking_tokens"] or None,
                "gen_ai.usage.cache_read.input_tokens": tokens["cached_tokens"] or None,
                "penstock.cost_usd": cost,
            }
            quoted = self._messages() if self._span.may_quote else {}
            self._span.end(used | quoted, error=None if error is None else code or "given_up")

    def _messages(self) -> dict[str, str]:
        system, reply = self._prompt.system, _joined(self.pieces)
        return {
            **({"gen_ai.system_instructions": as_text([{"type": "text", "content": system}])} if system else {}),
            "gen_ai.input.messages": as_text([_message(turn.role, turn.parts) for turn in self._prompt.turns]),
            "gen_ai.output.messages": as_text([_message("model", reply)]),
        }


def _joined(pieces: Iterable[TextPiece | ToolCall]) -> list[Part]:
    """The pieces of one text as one."""
    runs = groupby(pieces, lambda piece: isinstance(piece, TextPiece))
    return [one for are_text, run in runs for one in ([TextPiece(text="".join(map(_said, run)))] if are_text else run)]


def _message(role: str, parts: Iterable[Part]) -> dict[str, Any]:
    """As the conventions' JSON schema of messages has it."""
    return {"role": "assistant" if role == "model" else role, "parts": [*map(_part, parts)]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPiece():
            return {"type": "text", "content": part.text}
        case ToolCall():
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": part.args}
        case _:
            return {"type": "tool_call_response", "id": part.id, "response": part.output}


def _text(prompt: Prompt) -> str:
    turns = (f"{turn.role}: {''.join(map(_said, turn.parts))}" for turn in prompt.turns)
    return "\n\n".join((f"system: {prompt.system}", *turns) if prompt.system else turns)


def _said(part: Part) -> str:
    return part.text if isinstance(part, TextPiece) else f"[{part.name} {as_text(_value(part))}]"


def _length(part: Part) -> int:
    return len(part.text) if isinstance(part, TextPiece) else len(as_text(_value(part)))


def _value(part: ToolCall | ToolResult) -> object:
    """Arguments of a tool's call, or what the tool answered."""
    return part.args if isinstance(part, ToolCall) else part.output


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _known(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in about.items() if value is not None}
