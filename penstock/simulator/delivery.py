"""Cuts a reply into the chunks of Gemini's stream, and sends them at their pace."""

import asyncio
import base64
import json
import math
from collections.abc import Iterator
from random import Random
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send

from penstock.simulator.ledger import Ledger
from penstock.simulator.prompt import Prompt
from penstock.simulator.wire import Call, Pace, Reply, Rule, Usage

_SHORTEST, _LONGEST = 9, 36
#: The first chunk of an object reaches into its first value: what is held after it has begun to show.
_SHORTEST_FIRST = 30

#: The JSON of one GenerateContentResponse; its usage counts what is out once it is sent.
Chunk = dict[str, Any]


class Delivery(StreamingResponse):
    """Sends the chunks of one reply, and books what became of its call. Starlette cancels it when the caller goes."""

    def __init__(self, call: Call, ledger: Ledger, rule: Rule, pace: Pace, chunks: list[Chunk]) -> None:
        self._call, self._ledger, self._rule, self._chunks = call, ledger, rule, chunks
        self._pace = pace.model_copy(update=rule.reply.pace.model_dump(exclude_unset=True, by_alias=False))
        self._streamed = call.method == "streamGenerateContent"
        super().__init__((), media_type="text/event-stream" if self._streamed else "application/json")

    async def stream_response(self, send: Send) -> None:
        """Sends the reply. A connection that is to break is left without its end: the server then drops it."""
        try:
            if self._rule.fault.hang:
                await asyncio.Event().wait()
            await self._deliver(send)
        except asyncio.CancelledError:
            self._ledger.end(self._call, "disconnected")
            raise
        finally:
            self._ledger.end(self._call, "failed")

    async def _deliver(self, send: Send) -> None:
        """What is to be held stops after the first chunk, or before the only one."""
        reply, breaks_at, last = self._rule.reply, self._rule.fault.break_after_chunks, len(self._chunks) - 1
        hold_at = 0 if reply.hold_before or not last else 1
        usages = [Usage.model_validate(chunk["usageMetadata"]) for chunk in self._chunks]
        sent = usages[0].candidates_token_count if self._streamed else 0
        for place, (chunk, usage) in enumerate(zip(self._chunks, usages, strict=True)):
            if place == hold_at and reply.hold:
                await self._ledger.hold(self._call, reply.hold)
            new, sent = usage.candidates_token_count - sent, usage.candidates_token_count
            wait = new / (self._pace.tokens_per_second or math.inf) + (0 if place else self._pace.ttft)
            await asyncio.sleep(wait)  # even 0 lets the loop see a closed connection
            if place == 0:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if breaks_at is not None and place == min(breaks_at, last):
                return
            self._call.chunks, self._call.usage = place + 1, usage
            self._ledger.touch()
            if place == last:
                self._ledger.end(self._call, "completed")
            body = json.dumps(chunk, ensure_ascii=False).encode()
            body = b"data: %b\r\n\r\n" % body if self._streamed else body
            await send({"type": "http.response.body", "body": body, "more_body": place < last})


def chunks_of(made: Reply, prompt: Prompt, call: Call, *, blocked: bool) -> Iterator[Chunk]:
    """One chunk, or, streamed, at least two for a text of more than one word; `blocked`: the prompt was refused."""
    streamed, seed, text = call.method == "streamGenerateContent", prompt.seed, made.text or ""
    groups = [[{"text": piece}] for piece in (_pieces(text, seed) if streamed else [text] if text else [])]
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": f"call-{seed:08x}-{place}", "name": call.name, "args": call.args}}
        for place, call in enumerate(made.function_calls)
    ]
    if calls:  # of parallel calls only the first is signed, as Gemini 3 does
        calls[0]["thoughtSignature"] = base64.b64encode(f"simulated thought {seed:08x}".encode()).decode()
        groups.append(calls)
    if not streamed or not groups:
        groups = [[part for group in groups for part in group]]
    lengths = [sum(len(part.get("text") or json.dumps(part["functionCall"])) for part in parts) for parts in groups]
    asked, thoughts, chars = max(1, (len(prompt.text) + 3) // 4), 0 if blocked else 8 + seed % 24, 0
    if most := prompt.generation_config.max_output_tokens:  # thoughts count as output
        thoughts = min(thoughts, max(most - (sum(lengths) + 3) // 4, 0))
    for place, (parts, length) in enumerate(zip(groups, lengths, strict=True), start=1):
        chars += length
        tokens = (chars + 3) // 4
        content = {"content": {"role": "model", "parts": parts}} if parts else {}
        ended = {"finishReason": made.finish_reason} if place == len(groups) else {}
        refused = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        yield {
            **(refused if blocked else {"candidates": [{"index": 0, **content, **ended}]}),
            "usageMetadata": {
                "promptTokenCount": asked,
                "candidatesTokenCount": tokens,
                "thoughtsTokenCount": thoughts,
                "totalTokenCount": asked + tokens + thoughts,
            },
            "modelVersion": f"simulator/{call.model}",
            "responseId": f"sim-{seed:08x}",
        }


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
