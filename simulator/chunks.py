"""A reply cut into the chunks of Gemini's stream: a few words each, in places that suit nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from simulator.answer import Answer
from simulator.call import Usage
from simulator.prompt import Prompt

_SHORTEST, _LONGEST = 9, 36


@dataclass(frozen=True, slots=True)
class Chunk:
    """One GenerateContentResponse as JSON; `tokens` is how many of the reply are out once it is sent."""

    body: bytes
    tokens: int
    usage: Usage
    finish_reason: str | None


def chunks_of(made: Answer, prompt: Prompt) -> list[Chunk]:
    """At least two chunks for a reply of more than one word; the last carries the finish reason."""
    groups: list[list[dict[str, Any]]] = [[{"text": piece}] for piece in pieces(made.text, prompt.seed)]
    if made.calls:
        groups.append(_call_parts(made, prompt.seed))
    return _rendered(groups or [[]], made, prompt)


def whole(made: Answer, prompt: Prompt) -> Chunk:
    """The reply as one response, for generateContent."""
    parts = [{"text": made.text}] if made.text else []
    return _rendered([[*parts, *_call_parts(made, prompt.seed)]], made, prompt)[0]


def pieces(text: str, seed: int) -> Iterator[str]:
    """The text in pieces of a few words; cuts fall anywhere, and inside the first escape there is."""
    random = Random(seed)
    longest = max(2, min(_LONGEST, len(text) // 2))
    shortest = min(_SHORTEST, longest)
    escape = text.find("\\") + 1
    start = 0
    while start < len(text):
        end = start + random.randint(shortest, longest)
        if start < escape < end:
            end = escape
        yield text[start:end]
        start = end


def _call_parts(made: Answer, seed: int) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for place, call in enumerate(made.calls):
        part: dict[str, Any] = {
            "functionCall": {"id": f"call-{seed:016x}-{place}", "name": call.name, "args": call.args}
        }
        if place == 0:  # of parallel calls only the first is signed, as Gemini 3 does
            part["thoughtSignature"] = base64.b64encode(f"simulated thought {seed:016x}".encode()).decode()
        parts.append(part)
    return parts


def _rendered(groups: list[list[dict[str, Any]]], made: Answer, prompt: Prompt) -> list[Chunk]:
    thoughts = 8 + prompt.seed % 24
    response_id = f"sim-{prompt.seed:016x}"
    chunks: list[Chunk] = []
    chars = 0
    for place, parts in enumerate(groups):
        last = place == len(groups) - 1
        chars += sum(len(part["text"]) if "text" in part else len(json.dumps(part["functionCall"])) for part in parts)
        tokens = (chars + 3) // 4
        usage = _usage(prompt.tokens, tokens, 0 if made.block_reason else thoughts)
        response: dict[str, Any] = {}
        finish = made.finish_reason if last and not made.block_reason else None
        if made.block_reason:
            response["promptFeedback"] = {"blockReason": made.block_reason}
        else:
            response["candidates"] = [_candidate(parts, finish)]
        response["usageMetadata"] = usage.model_dump(by_alias=True)
        response["modelVersion"] = f"simulator/{prompt.model}"
        response["responseId"] = response_id
        body = json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        chunks.append(Chunk(body, tokens, usage, made.block_reason or finish))
    return chunks


def _candidate(parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if finish:
        candidate["finishReason"] = finish
    return candidate


def _usage(prompt: int, reply: int, thoughts: int) -> Usage:
    return Usage(
        prompt_token_count=prompt,
        candidates_token_count=reply,
        thoughts_token_count=thoughts,
        total_token_count=prompt + reply + thoughts,
    )
