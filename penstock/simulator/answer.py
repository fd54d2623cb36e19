"""The whole reply to a prompt, before it is cut into chunks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from penstock.simulator.dialogue import announcement, conclusion, next_call
from penstock.simulator.prompt import Prompt
from penstock.simulator.rule import PlannedCall, Rule
from penstock.simulator.schema import Filler

_ADJECTIVES = "bold brief bright calm careful clear fresh gentle plain quiet sober steady warm".split()  # noqa: SIM905
#: How far between two limits a number is: a revised text is better than a first one.
_FIRST, _REVISED = 0.58, 0.88
_RESULT = re.compile(r'"result":\s*"([^"\n]{1,200})"')


@dataclass(frozen=True, slots=True)
class Answer:
    """Text or function calls, and why the reply ends; `block_reason` is set if the prompt was refused."""

    text: str = ""
    calls: tuple[PlannedCall, ...] = ()
    finish_reason: str = "STOP"
    block_reason: str | None = None


def answer(prompt: Prompt, rule: Rule) -> Answer:
    """The reply to a prompt, as a rule changes it. Raises InvalidRequest for a schema that cannot be used."""
    fault = rule.fault
    if fault.prompt_blocked:
        return Answer(block_reason="PROHIBITED_CONTENT")
    if fault.safety:
        return Answer(finish_reason="SAFETY")
    made = _steered(prompt, rule)
    made = replace(made, finish_reason=rule.reply.finish_reason or "STOP")
    limit = 4 * (prompt.generation_config.max_output_tokens or len(made.text))
    if len(made.text) > limit:
        made = replace(made, text=made.text[:limit], finish_reason="MAX_TOKENS")
    if fault.truncate:
        return replace(made, text=made.text[: len(made.text) // 2], calls=(), finish_reason="MAX_TOKENS")
    if fault.invalid_json:
        return replace(made, text=made.text[: len(made.text) * 2 // 3].rstrip() + ' "oops": }')
    return made


def _steered(prompt: Prompt, rule: Rule) -> Answer:
    reply = rule.reply
    if reply.text is not None:
        return Answer(text=reply.text)
    if "value" in reply.model_fields_set:  # be it null
        return Answer(text=_json(reply.value, prompt))
    if reply.function_calls is not None:
        return Answer(calls=reply.function_calls)
    if reply.merge is None and (call := next_call(prompt)):
        return Answer(text=announcement(call), calls=(call,))
    if not prompt.wants_json:
        return Answer(text=_prose(prompt))
    value = _value(prompt)
    return Answer(text=_json(value if reply.merge is None else {**value, **reply.merge}, prompt))


def _value(prompt: Prompt) -> Any:
    schema = prompt.generation_config.response_json_schema
    if schema is None:
        return {"summary": _prose(prompt)}
    results: list[str] = _RESULT.findall(prompt.text)

    def say(name: str, index: int | None) -> str:
        if name.lower().endswith("answer") and results:
            return results[-1]  # what a tool gave, by the prompt's record
        label = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower() or "reply"
        place = "" if index is None else f".{index + 1}"
        kind, number = _style(prompt)
        return f"{kind.capitalize()} {label} {number}{place} on “{prompt.subject}”"

    return Filler(schema, say, _REVISED if prompt.revised else _FIRST).fill()


def _prose(prompt: Prompt) -> str:
    if prompt.results:
        return conclusion(prompt)
    kind, number = _style(prompt)
    revised = ", revised" if prompt.revised else ""
    return (
        f"A {kind}{revised} text, {number}, about “{prompt.subject}”.\n\nNo model wrote it: one "
        "would write here what it was asked for, in about as many words as there are in these two paragraphs."
    )


def _style(prompt: Prompt) -> tuple[str, str]:
    return f"{_ADJECTIVES[prompt.seed % len(_ADJECTIVES)]}, simulated", f"no. {prompt.seed % 1000}"


def _json(value: Any, prompt: Prompt) -> str:
    """Indented as Gemini does; one reply in four escapes what is not ASCII, as JSON allows."""
    return json.dumps(value, indent=2, ensure_ascii=prompt.seed % 4 == 0)
