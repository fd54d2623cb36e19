"""The whole reply to a prompt, before it is cut into chunks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from penstock.simulator.dialogue import FunctionCall, announcement, conclusion, next_call
from penstock.simulator.prompt import Prompt
from penstock.simulator.rule import Fault, Reply
from penstock.simulator.schema import Filler

_ADJECTIVES = "bold brief bright calm careful clear fresh gentle plain quiet sober steady warm".split()  # noqa: SIM905
#: How far between two limits a number is: a revised text is better than a first one.
_FIRST, _REVISED = 0.58, 0.88
_RESULT = re.compile(r'"result":\s*"([^"\n]{1,200})"')


@dataclass(frozen=True, slots=True)
class Answer:
    """Text or function calls, and why the reply ends; `block_reason` is set if the prompt was refused."""

    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    finish_reason: str = "STOP"
    block_reason: str | None = None


def answer(prompt: Prompt, reply: Reply, fault: Fault) -> Answer:
    """The reply to a prompt, as rules change it. Raises InvalidRequest for a schema that cannot be used."""
    made = _steered(prompt, reply)
    limit = 4 * (prompt.max_output_tokens or len(made.text))
    if len(made.text) > limit:
        made = replace(made, text=made.text[:limit], finish_reason="MAX_TOKENS")
    return _spoilt(made, fault)


def _generated(prompt: Prompt) -> Answer:
    call = next_call(prompt)
    if call:
        return Answer(text=announcement(call), calls=(call,))
    if prompt.wants_json:
        return Answer(text=_json(_value(prompt), prompt))
    return Answer(text=_prose(prompt) if prompt.schema is None else str(_value(prompt)))


def _value(prompt: Prompt) -> Any:
    if prompt.schema is None:
        return {"summary": _prose(prompt)}
    results: list[str] = _RESULT.findall(prompt.text)

    def say(name: str, index: int | None) -> str:
        if name.lower().endswith("answer") and results:
            return results[-1]  # what a tool gave, by the prompt's record
        label = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower() or "reply"
        place = "" if index is None else f".{index + 1}"
        return f"{_kind(prompt).capitalize()} {label} {_number(prompt)}{place} on “{prompt.subject}”"

    return Filler(prompt.schema, say, _REVISED if prompt.revised else _FIRST).fill()


def _prose(prompt: Prompt) -> str:
    if prompt.results:
        return conclusion(prompt)
    revised = ", revised" if prompt.revised else ""
    return (
        f"A {_kind(prompt)}{revised} text, {_number(prompt)}, about “{prompt.subject}”.\n\nNo model wrote it: one "
        "would write here what it was asked for, in about as many words as there are in these two paragraphs."
    )


def _kind(prompt: Prompt) -> str:
    return f"{_ADJECTIVES[prompt.seed % len(_ADJECTIVES)]}, simulated"


def _number(prompt: Prompt) -> str:
    return f"no. {prompt.seed % 1000}"


def _steered(prompt: Prompt, reply: Reply) -> Answer:
    if reply.text is not None:
        made = Answer(text=reply.text)
    elif reply.has_value:
        made = Answer(text=_json(reply.value, prompt))
    elif reply.function_calls is not None:
        made = Answer(calls=tuple(FunctionCall(one.name, one.args) for one in reply.function_calls))
    elif reply.merge is not None and prompt.wants_json:
        value = _value(prompt)
        made = Answer(text=_json({**(value if isinstance(value, dict) else {}), **reply.merge}, prompt))
    else:
        made = _generated(prompt)
    return replace(made, finish_reason=reply.finish_reason) if reply.finish_reason else made


def _spoilt(made: Answer, fault: Fault) -> Answer:
    if fault.prompt_blocked:
        return Answer(block_reason="PROHIBITED_CONTENT")
    if fault.safety:
        return Answer(finish_reason="SAFETY")
    if fault.truncate:
        return replace(made, text=made.text[: len(made.text) // 2], calls=(), finish_reason="MAX_TOKENS")
    if fault.invalid_json:
        return replace(made, text=made.text[: len(made.text) * 2 // 3].rstrip() + ' "oops": }')
    return made


def _json(value: Any, prompt: Prompt) -> str:
    """Indented as Gemini does; one reply in four escapes what is not ASCII, as JSON allows."""
    return json.dumps(value, indent=2, ensure_ascii=prompt.seed % 4 == 0)
