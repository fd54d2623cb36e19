"""A reply cut into the chunks of Gemini's stream: a few words each, in places that suit nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from penstock.simulator.answer import Answer
from penstock.simulator.call import Usage
from penstock.simulator.prompt import Prompt

_SHORTEST, _LONGEST = 9, 36
#: The first chunk of an object reaches into its first value: what is held after it has begun to show.
_SHORTEST_FIRST = 30


@dataclass(frozen=True, slots=True)
class Chunk:
    """One GenerateContentResponse as JSON; its usage counts what is out once it is sent."""

    body: bytes
    usage: Usage


def chunks_of(made: Answer, prompt: Prompt, *, streamed: bool) -> list[Chunk]:
    """One chunk, or, streamed, at least two for a text of more than one word; the last has the finish reason."""
    texts = _pieces(made.text, prompt.seed) if streamed else [made.text] if made.text else []
    groups: list[list[dict[str, Any]]] = [[{"text": piece}] for piece in texts]
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": f"call-{prompt.seed:016x}-{place}", "name": call.name, "args": call.args}}
        for place, call in enumerate(made.calls)
    ]
    if calls:  # of parallel calls only the first is signed, as Gemini 3 does
        calls[0]["thoughtSignature"] = base64.b64encode(f"simulated thought {prompt.seed:016x}".encode()).decode()
        groups.append(calls)
    if not streamed:
        groups = [[part for group in groups for part in group]]
    return list(_rendered(groups or [[]], made, prompt))


def _pieces(text: str, seed: int) -> Iterator[str]:
    """The text in pieces of a few words; cuts fall anywhere, and inside the first escape there is."""
    random = Random(seed)
    longest = max(2, min(_LONGEST, len(text) // 2))
    escape = text.find("\\") + 1
    start = 0
    while start < len(text):
        shortest = _SHORTEST if start else _SHORTEST_FIRST
        end = start + random.randint(min(shortest, longest), longest)
        end = escape if start < escape < end else end
        yield text[start:end]
        start = end


def _rendered(groups: list[list[dict[str, Any]]], made: Answer, prompt: Prompt) -> Iterator[Chunk]:
    asked = max(1, (len(prompt.whole) + 3) // 4)
    thoughts = 0 if made.block_reason else 8 + prompt.seed % 24
    chars = 0
    for place, parts in enumerate(groups):
        chars += sum(len(part["text"]) if "text" in part else len(json.dumps(part["functionCall"])) for part in parts)
        tokens = (chars + 3) // 4
        usage = Usage(
            prompt_token_count=asked,
            candidates_token_count=tokens,
            thoughts_token_count=thoughts,
            total_token_count=asked + tokens + thoughts,
        )
        candidate: dict[str, Any] = {"index": 0}
        if parts:
            candidate["content"] = {"role": "model", "parts": parts}
        if place == len(groups) - 1:
            candidate["finishReason"] = made.finish_reason
        blocked = {"promptFeedback": {"blockReason": made.block_reason}}
        response = {
            **(blocked if made.block_reason else {"candidates": [candidate]}),
            "usageMetadata": usage.model_dump(by_alias=True),
            "modelVersion": f"simulator/{prompt.model}",
            "responseId": f"sim-{prompt.seed:016x}",
        }
        body = json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        yield Chunk(body, usage)
