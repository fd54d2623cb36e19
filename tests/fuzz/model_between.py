"""A server between the services and the simulator: it keeps the replies that pass, and sends others where it is told.

It writes plain bytes, so that a reply may be anything: what the simulator cannot say as well.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from penstock.cancelling import stop
from tests.fuzz.mutations import TEXTS, encoded, garbled, hostile, json_text, mutated

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
_REASONS = (
    *("STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL", "NEVER_HEARD_OF"),
    *("", "FINISH_REASON_UNSPECIFIED", "UNEXPECTED_TOOL_CALL", "stop"),
)
_EXPRESSIONS = (
    *("1/0", "9^9^9^9", "a=", "while(1){}", "import('fs')", "constructor.constructor('return 1')()", "1" * 9_000),
    *("(" * 5_000, "zeros(9999,9999)", "evaluate('1')", "2 + 2", "[1..1e9]", "f(x)=f(x);f(1)", "parse('x').toString()"),
    *("simplify('x')", "\0", "1 inch to kg", "unit('5 xx')", "random()", "map([1],f(x)=x)", "{a:{b:1}}", "x" * 99_999),
)


@dataclass(frozen=True)
class WireReply:
    """All that is written; then the connection is closed, or with `stalls` left open until the caller closes it.

    `times`: so many calls get it, those after them the simulator's reply.
    """

    data: bytes
    stalls: bool = False
    times: int = 99

    def __repr__(self) -> str:
        return f"{self.data[:1500]!r} ({len(self.data)} bytes){' and no end' if self.stalls else ''}"


@dataclass
class ModelBetween:
    """`replies`: what the calls of a job's step get, by both; all other calls get the simulator's."""

    simulator_url: str
    url: str = ""
    replies: dict[tuple[str, str], WireReply] = field(default_factory=dict)
    #: By step, the simulator's replies as they came.
    valid: dict[str, list[bytes]] = field(default_factory=dict)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    _answering: set[asyncio.Task[Any]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ModelBetween"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
        await stop(*self._answering)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._answering.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = re.findall(rb"(?i)\r\ncontent-length: *(\d+)", head)
            content = await reader.readexactly(int(length))
            job, step = (re.search(rb"(?i)\r\nx-penstock-%b: *(\S+)" % name, head) for name in (b"job", b"step"))
            assert job
            assert step
            key = (job[1].decode(), step[1].decode())
            planned = self.replies.get(key)
            if planned and self.sent[key] < planned.times:
                self.sent[key] += 1
                writer.write(planned.data)
                await writer.drain()
                if planned.stalls:
                    await reader.read()
            else:
                await self._relay(head, content, key[1], writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the services have hung up
        finally:
            writer.close()
            self._answering.discard(task)

    async def _relay(self, head: bytes, content: bytes, step: str, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(self.simulator_url)
        reader, simulator = await asyncio.open_connection(url.hostname, url.port)
        try:
            closing = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)[:-2] + b"Connection: close\r\n\r\n"
            simulator.write(closing + content)
            answer = b""
            while piece := await reader.read(65_536):
                answer += piece
                writer.write(piece)
                await writer.drain()
        finally:
            simulator.close()
        kept = self.valid.setdefault(step, [])
        if answer.startswith(b"HTTP/1.1 200") and len(kept) < 3:
            kept.append(answer)


def chunks_of(answer: bytes) -> list[dict[str, Any]]:
    """The JSON of a valid reply's events."""
    return [json.loads(line[6:]) for line in answer.splitlines() if line.startswith(b"data: ")]


@st.composite
def wire_replies(draw: st.DrawFn, valid: Mapping[str, list[bytes]], step: str) -> WireReply:
    """A reply like one that the step had, in any state."""
    random = draw(st.randoms(use_true_random=True))
    return replace(_wire_reply(random, chunks_of(random.choice(valid[step]))), times=random.choice((1, 1, 2, 99)))


def _wire_reply(random: Random, chunks: list[dict[str, Any]]) -> WireReply:
    match random.randrange(9):
        case 0:
            return _odd_answer(random, chunks)
        case 1:
            changed = mutated(chunks, random, times=4)
            events = map(_event, changed if isinstance(changed, list) else [changed])
            data = encoded("".join(events), random)
        case 2:
            data = garbled(_events(chunks).encode(), random)
        case 3 | 4:
            data = _events(_with_parts(chunks, _calls(random), random)).encode()
        case _:
            data = _events(_with_parts(chunks, _texts(random, chunks), random)).encode()
    if random.randrange(12) == 0:
        return WireReply(_OK + b"\r\n" + data[: random.randint(0, len(data))], stalls=random.randrange(3) == 0)
    return WireReply(_OK + b"\r\n" + data)


def _event(chunk: Any) -> str:
    return f"data: {json.dumps(chunk)}\r\n\r\n"


def _events(chunks: Any) -> str:
    return "".join(_event(chunk) for chunk in chunks)


def _with_parts(chunks: list[dict[str, Any]], parts: list[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    """The same reply with other parts, one a chunk, and by chance another reason to end."""
    like = chunks[-1]
    made = [{**like, "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]} for part in parts]
    reason = "STOP" if random.randrange(6) else random.choice(_REASONS)
    made[-1]["candidates"][0]["finishReason"] = reason
    return made


def _texts(random: Random, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the reply says, mutated as JSON or as text, and cut anew."""
    parts = [part for chunk in chunks for part in chunk["candidates"][0].get("content", {}).get("parts", ())]
    said = "".join(part.get("text", "") for part in parts)
    try:
        text = json_text(mutated(json.loads(said), random, times=3), random)
    except ValueError:
        text = random.choice((said, "", "x" * 1_000_000)) + random.choice(TEXTS) + json_text(hostile(random), random)
    cuts = sorted(random.randint(0, len(text)) for _ in range(random.choice((0, 1, 5, 20))))
    pieces = [text[start:end] for start, end in zip((0, *cuts), (*cuts, len(text)), strict=True)]
    return [{"text": piece, **({"thought": True} if random.randrange(40) == 0 else {})} for piece in pieces]


def _calls(random: Random) -> list[dict[str, Any]]:
    """Calls of tools that there are and are not, with arguments that none should have."""
    calls = []
    for number in range(random.choice((1, 1, 2, 33))):
        args: Any = {"expression": random.choice(_EXPRESSIONS)}
        if random.randrange(2):
            args |= {"originalProblem": random.choice(TEXTS), "proposedAnswer": random.choice((*_EXPRESSIONS, *TEXTS))}
        call: dict[str, Any] = {"name": random.choice(("calculate", "validateAnswer")), "args": args}
        if random.randrange(3) == 0:
            call = mutated(call, random)
        part: dict[str, Any] = {"functionCall": call}
        if random.randrange(2):
            part["thoughtSignature"] = random.choice(("c2ln", "?", "", "x" * 9_999, "ü"))
        calls.append(part if number or random.randrange(4) else {**part, "text": random.choice(TEXTS)})
    return calls


def _odd_answer(random: Random, chunks: list[dict[str, Any]]) -> WireReply:
    """What is no reply at all, or says of itself what it is not."""
    data = _events(chunks).encode()
    status = random.choice((100, 101, 200, 204, 206, 301, 304, 400, 401, 403, 404, 408, 418, 429, 500, 503, 599, 999))
    error = {"code": status, "message": random.choice(TEXTS)[:2_000], "status": "X", "details": [hostile(random)]}
    failure = json_text(mutated({"error": error}, random), random).encode("utf-8", "surrogatepass")
    return random.choice(
        (
            WireReply(b""),
            WireReply(b"", stalls=True),
            WireReply(b"\0\xff" * 3_000),
            WireReply(_OK, stalls=random.randrange(2) == 0),
            WireReply(_OK + b"Content-Encoding: gzip\r\n\r\n" + data),
            WireReply(_OK + b"Content-Length: %d\r\n\r\n" % random.choice((0, 1, len(data) + 9)) + data),
            WireReply(_OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + data),
            WireReply(_OK + b"X: y\r\n" * random.choice((1, 5_000)) + b"\r\n" + data),
            WireReply(_OK + b"\r\n" + data.decode().encode("utf-16")),
            WireReply(_OK + b"\r\n" + _event({"error": error}).encode("utf-8", "surrogatepass")),
            WireReply(_OK + b"\r\ndata: " + json_text(hostile(random), random).encode("utf-8", "surrogatepass")),
            *[
                WireReply(
                    b"HTTP/1.1 %d \xff\r\nRetry-After: %b\r\nConnection: close\r\nLocation: /\r\n\r\n%b"
                    % (status, random.choice((b"0", b"-1", b"x", b"1e400")), failure)
                )
            ]
            * 4,
        )
    )
