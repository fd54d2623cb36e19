"""The whole reply to a prompt, before it is cut into chunks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from simulator.calling import FunctionCall, announcement, calls_for
from simulator.prompt import Prompt
from simulator.prose import prose
from simulator.rule import Fault, Reply
from simulator.topic import Topic
from simulator.writer import Writer


@dataclass(frozen=True, slots=True)
class Answer:
    """Text or function calls, and why the reply ends; `block_reason` is set if the prompt was refused."""

    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    finish_reason: str = "STOP"
    block_reason: str | None = None


def answer(prompt: Prompt, reply: Reply | None = None, fault: Fault | None = None) -> Answer:
    """The reply to a prompt, as rules change it. Raises InvalidRequest for a schema that cannot be used."""
    made = _steered(prompt, reply) if reply is not None else _generated(prompt)
    if prompt.max_output_tokens is not None and len(made.text) > prompt.max_output_tokens * 4:
        made = replace(made, text=made.text[: prompt.max_output_tokens * 4], finish_reason="MAX_TOKENS")
    return made if fault is None else _spoilt(made, fault)


def _generated(prompt: Prompt) -> Answer:
    topic = Topic(prompt.system, prompt.text)
    calls = calls_for(prompt, topic)
    if calls:
        return Answer(text=announcement(calls, prompt), calls=tuple(calls))
    if prompt.schema is not None and not prompt.wants_json:
        return Answer(text=str(Writer(topic, prompt.seed, prompt.schema).write()))
    if prompt.wants_json:
        return Answer(text=_json(_value(prompt, topic), prompt.seed))
    return Answer(text=prose(prompt, topic))


def _value(prompt: Prompt, topic: Topic) -> Any:
    if prompt.schema is None:
        return {"summary": " ".join(prose(prompt, topic).split())}
    return Writer(topic, prompt.seed, prompt.schema).write()


def _steered(prompt: Prompt, reply: Reply) -> Answer:
    if reply.text is not None:
        made = Answer(text=reply.text)
    elif reply.has_value:
        made = Answer(text=_json(reply.value, prompt.seed))
    elif reply.function_calls is not None:
        made = Answer(calls=tuple(FunctionCall(one.name, one.args) for one in reply.function_calls))
    elif reply.merge is not None and prompt.wants_json:
        value = _value(prompt, Topic(prompt.system, prompt.text))
        made = Answer(text=_json({**value, **reply.merge} if isinstance(value, dict) else reply.merge, prompt.seed))
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


def _json(value: Any, seed: int) -> str:
    """Indented as Gemini does; one reply in four escapes what is not ASCII, as JSON allows."""
    return json.dumps(value, indent=2, ensure_ascii=seed % 4 == 0)
