"""Our own reader of the stream and the SDK's, over real HTTP: what is sent, read and raised is the same."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration
from penstock.contracts.turns import TextPiece, ToolCall, ToolResult, Turn
from penstock.contracts.usage import Usage
from penstock.errors import Failure, Transient
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter
from tests.llm.asking import ADD, LABELS, PROMPT, Review, asked, at
from tests.llm.wire import Wire, error, http, parts

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
SIGNED = "c2lnbmF0dXJlPz4/Pg=="
ENDS = [b"\r\n", b"\n", b"\r"]


@dataclass(frozen=True)
class Read:
    """All that one call gave."""

    pieces: list[TextPiece | ToolCall]
    usage: Usage
    model: str | None
    failure: tuple[str, str | None, float | None] | None


class Both:
    """One server, and a client of each kind."""

    def __init__(self, wire: Wire, raw: Llm, sdk: Llm) -> None:
        self.wire, self.raw, self.sdk = wire, raw, sdk

    async def read(self, answer: bytes) -> Read:
        """What both have read of this answer."""
        self.wire.answers = [answer]
        raw, sdk = await read(self.raw), await read(self.sdk)
        assert raw == sdk
        return raw


@asynccontextmanager
async def both() -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire([]))
        raw = await stack.enter_async_context(at(wire.url))
        sdk = await stack.enter_async_context(at(wire.url, sdk_stream=True))
        yield Both(wire, raw, sdk)
        # The SDK leaves generators to the garbage collector, which closes them in tasks.
        gc.collect()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left)


async def read(llm: Llm, **options: Any) -> Read:
    pieces, meter, failure = [], Meter(), None
    try:
        async for piece in asked(llm, meter=meter, **options):
            pieces.append(piece)
    except (Failure, Transient) as raised:
        failure = type(raised).__name__, getattr(raised, "code", None), getattr(raised, "retry_after", None)
    return Read(pieces, meter.usage, meter.model, failure)


def event(response: Any, end: bytes = b"\r\n") -> bytes:
    return b"data: " + json.dumps(response).encode() + end + end


def sent(body: bytes, *, cut: Sequence[int] = (), ended: bool = True) -> bytes:
    """The body as the stream of a reply, in pieces that end at `cut`."""
    bounds = [0, *sorted({at for at in cut if 0 < at < len(body)}), len(body)]
    pieces = [body[start:stop] for start, stop in pairwise(bounds)]
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return head + framed + (b"0\r\n\r\n" if ended else b"")


def body(*responses: Any) -> bytes:
    return b"".join(event(response) for response in responses)


USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "cachedContentTokenCount": 2}
CALL = {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1, "b": [None, {"ü": "\ud83c\udf0a"}]}}}
OTHER_CALL = {"functionCall": {"name": "subtract"}, "thoughtSignature": SIGNED}
END = parts({"text": "."}, finish="STOP", modelVersion="gemini-3.8-flash-002", usageMetadata=USAGE)
PROBLEM = {"code": 429, "message": "slower", "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}

BODIES = {
    "text": body(parts({"text": "Eine "}), parts({"text": "Brücke 🌉"}), END),
    "no usage": body(parts({"text": "a"}, finish="STOP")),
    "usage in several chunks": body(
        parts({"text": "a"}, usageMetadata={"promptTokenCount": 9}),
        parts({"text": "b"}, usageMetadata={**USAGE, "toolUsePromptTokenCount": 5}),
        parts({"text": "c"}, finish="STOP"),
    ),
    "parallel calls": body(parts({"text": "thinking", "thought": True}, CALL, OTHER_CALL), parts(CALL, finish="STOP")),
    "signed text": body(parts({"text": "", "thoughtSignature": SIGNED}), parts({"text": "a"}), END),
    "a signature in the other alphabet": body(parts({"text": "a", "thoughtSignature": "c2lnbmF0dXJlPz4_Pg"}), END),
    "no signature at all": body(parts({"text": "a", "thoughtSignature": "!!"}), END),
    "empty parts": body(parts({}), parts({"text": ""}), parts({"inlineData": {"mimeType": "a/b", "data": "AA"}}), END),
    "only thoughts": body(parts({"text": "hm", "thought": True}, finish="STOP")),
    "prompt blocked": body({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}),
    "two candidates": body({"candidates": [{"content": {"parts": [{"text": "1"}]}, "finishReason": "STOP"}, {}]}),
    "nothing in it": body({}, {"candidates": []}, {"candidates": [{}]}, {"candidates": [{"content": {}}]}, END),
    "null everywhere": body({"candidates": None, "usageMetadata": None, "modelVersion": None, "promptFeedback": None}),
    "fields from the future": body({"next": [1]}, parts({"text": "a", "next": {}}, finish="STOP", next=1)),
    "numbers as text": body(parts({"text": "a"}, finish="STOP", usageMetadata={"promptTokenCount": "12"})),
    "half a pair, then the other": body(parts({"text": "\ud83c"}), parts({"text": "\udf09"}), END),
    "half a pair in a call": body(parts({"functionCall": {"name": "add", "args": {"a": "\ud83c"}}}, finish="STOP")),
    "no JSON": event(END) + b"data: {\r\n\r\n",
    "a number": body(1),
    "text that is none": body(parts({"text": 1})),
    "arguments that are none": body(parts({"functionCall": {"name": "add", "args": [1]}})),
    "one event in two lines": event(END).replace(b", ", b",\r\ndata: "),
    "data without text": b"data: \r\n\r\n" + event(END),
    "empty lines": b"\r\n\r\n\n" + event(END) + b"\r\n\r\n",
    "no empty line at the end": event(END).rstrip(),
    "no UTF-8": event(END).replace(b'"."', b'"\xff\xc3"'),
    "a separator that ends no line": event(END).replace(b'"."', '"\u2028\x85"'.encode()),
    "an error": body(parts({"text": "a"}), {"error": PROBLEM}),
    "an error first": body({"error": PROBLEM}),
    "an error of ours": body({"error": {"code": 400, "message": "too long", "status": "INVALID_ARGUMENT"}}),
    "a bad key": body({"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}),
    "an error with a strange code": body({"error": {"code": 700, "message": "?"}}),
    "an error without a code": body({"error": {"message": "no"}}),
    "an error with a code as text": body({"error": {"code": "503"}}),
    "an error that is none": body({"error": None}),
    "an error that is text": body({"error": "no"}),
    "an error in bare lines": event(parts({"text": "a"})) + json.dumps({"error": PROBLEM}, indent=1).encode() + b"\n",
    "an error in a bare list": json.dumps([{"error": PROBLEM}], indent=1).encode(),
    "an error in one bare line": json.dumps({"error": {"code": 503, "message": 'a "{" \\'}}).encode(),
    "bare lines that do not end": b'{"error":\n{"code": 503\n',
    "a page": b"<html>\n<p>{</p>\n}</html>",
    "nothing": b"",
    "nested too deep": event({"candidates": "-"}).replace(b'"-"', b"[" * 100_000),
    **{reason: body(parts({"text": "a"}), parts(finish=reason, usageMetadata=USAGE)) for reason in (
        "MAX_TOKENS", "SAFETY", "RECITATION", "MALFORMED_FUNCTION_CALL", "OTHER", "MISSING_THOUGHT_SIGNATURE", "stop"
    )},
}  # fmt: skip


@pytest.mark.parametrize("ended", [True, False], ids=["", "cut off"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_stream(name: str, ended: bool) -> None:
    whole = BODIES[name]
    async with both() as pair:
        first = await pair.read(sent(whole, ended=ended))
        if len(whole) < 2_000:
            assert await pair.read(sent(whole, ended=ended, cut=range(len(whole)))) == first
        assert (await pair.read(sent(whole[: len(whole) // 2], ended=ended))).failure


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(error(503, "later", [RETRY], "Retry-After: 9"), id="when to come back"),
        pytest.param(error(429, "later", None, "Retry-After: 9"), id="a header says when"),
        pytest.param(error(400, "no", [{"reason": "API_KEY_INVALID"}]), id="a bad key"),
        pytest.param(error(401), id="no key"),
        pytest.param(error(404), id="no such model"),
        pytest.param(http("400 X", json.dumps({"error": PROBLEM}).encode()), id="an error by itself"),
        pytest.param(http("413 X", b"<html>too large"), id="a page"),
        pytest.param(http("502 X", b"\xff\xfe<html>"), id="a page in no encoding"),
        pytest.param(http("500 X", b""), id="no body"),
        pytest.param(http("500 X", b"[" * 100_000), id="a body that is nested too deep"),
        pytest.param(http("302 Found", b"", "Location: http://127.0.0.1:9/"), id="a redirect"),
        pytest.param(http("204 X", b""), id="no content"),
        pytest.param(http("200 OK", b"<html>sign in</html>"), id="a portal"),
        pytest.param(http("503 X", b"no")[:-1], id="a body that is cut off"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"not http\r\n\r\n", id="not HTTP"),
    ],
)
async def test_a_refusal(answer: bytes) -> None:
    async with both() as pair:
        assert (await pair.read(answer)).failure


@pytest.mark.parametrize("response", ["text", {"candidates": "none"}])
async def test_another_shape_is_another_shape_though_the_sdk_may_make_an_empty_response_of_it(response: Any) -> None:
    async with both() as pair:
        pair.wire.answers = [sent(body(response))]
        raw, sdk = await read(pair.raw), await read(pair.sdk)
    assert raw == replace(sdk, usage=Usage(), model=None)
    assert raw.failure == ("ModelUnavailable", "model_unavailable", None)


async def test_what_the_sdk_cannot_read_of_server_sent_events_is_passed_over() -> None:
    """Comments keep a connection alive; the SDK takes them for JSON."""
    stream = b": ping\r\n\r\nevent: message\r\nid: 1\r\nretry: 5\r\ndata:" + event(END)[6:]
    async with both() as pair:
        pair.wire.answers = [sent(stream)]
        assert (await read(pair.raw)).pieces == [TextPiece(text=".")]
        assert (await read(pair.sdk)).failure == ("ModelUnavailable", "model_unavailable", None)


PIECE = TextPiece(text="Let me add.", signature=SIGNED)
ASKED = ToolCall(id="c1", name="add", args={"a": 1, "b": "ü"}, signature=SIGNED)
RESULT = ToolResult(id="c1", name="add", output={"output": 3.5})
UNNAMED = ToolResult(name="add", output={"error": "\ud83c"})
DECLARED = Declaration(name="find", description="Finds.", parameters={"properties": {"q": {"type": "string"}}})
CONVERSATION = Prompt(
    "", (*PROMPT.turns, Turn(role="model", parts=(PIECE, ASKED)), Turn(role="user", parts=(RESULT, UNNAMED)))
)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prompt": Prompt.user("\ud83c 🌉 ü\x00")},
        {"prompt": CONVERSATION, "tools": [ADD, DECLARED]},
        {"output": Review, "model": Asked("gemini-3.8-flash", "low", 0.5)},
        {"output": Review, "model": Asked("gemini-2.5-pro", 1_024)},
    ],
    ids=["text", "any text", "tools", "an object", "a budget to think"],
)
async def test_a_request(options: dict[str, Any]) -> None:
    async with both() as pair:
        pair.wire.answers = [sent(event(END))]
        for llm in (pair.raw, pair.sdk, pair.raw):
            assert not (await read(llm, **options)).failure
        first, sdk, second = pair.wire.asked
    assert first == sdk == second
    assert sdk.headers["x-penstock-job"] == LABELS["job"]


async def test_questions_of_one_kind_differ_in_what_they_say_only() -> None:
    async with both() as pair:
        pair.wire.answers = [sent(event(END))]
        for prompt in (CONVERSATION, PROMPT, Prompt.user("other")):
            for llm in (pair.raw, pair.sdk):
                await read(llm, prompt=prompt)
    assert pair.wire.asked[::2] == pair.wire.asked[1::2]


async def test_each_question_has_the_output_limit_that_its_budget_allows() -> None:
    """Which differs from question to question, though they are of one kind."""
    async with both() as pair:
        pair.wire.answers = [sent(event(END))]
        for most in (5_000, 1_234):
            for llm in (pair.raw, pair.sdk):
                await read(llm, max_output_tokens=most)
        raw, sdk, again, by_sdk = pair.wire.asked
    assert (raw, again) == (sdk, by_sdk)
    assert again.body["generationConfig"]["maxOutputTokens"] == 1_234


WORDS = st.text(st.characters(codec=None, exclude_categories=()), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def some(**fields: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


NAMES = st.sampled_from(["add", "add", ""]) | WORDS
CALLS = some(id=WORDS, name=NAMES, args=st.dictionaries(WORDS, JSON, max_size=3))
PARTS = some(
    text=WORDS, thought=st.booleans(), thoughtSignature=st.sampled_from(["", SIGNED, "AA"]), functionCall=CALLS
)
COUNTS = st.integers(0, 10**7) | st.none()
RESPONSES = some(
    candidates=st.lists(
        some(
            content=some(parts=st.lists(PARTS, max_size=3), role=st.just("model")),
            finishReason=st.sampled_from(["STOP", "STOP", "STOP", "MAX_TOKENS", "SAFETY"]),
            finishMessage=WORDS,
            index=st.integers(0, 3),
        ),
        max_size=2,
    ),
    usageMetadata=some(**dict.fromkeys([*USAGE, "toolUsePromptTokenCount"], COUNTS)),
    modelVersion=st.sampled_from(["gemini-3.8-flash", "models/gemini-2.5-pro", ""]) | WORDS,
    promptFeedback=some(blockReason=st.sampled_from(["SAFETY", "OTHER"])),
)
ERRORS = some(
    code=st.integers(100, 700), message=WORDS, status=WORDS, details=st.lists(st.just(RETRY) | JSON, max_size=2)
)
STREAMS = st.lists(RESPONSES | RESPONSES | RESPONSES | st.builds(lambda one: {"error": one}, ERRORS), max_size=5)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[asyncio.Runner, Both]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(both()))
        runner.run(stack.aclose())


@settings(max_examples=50, deadline=None)
@given(
    responses=STREAMS,
    end=st.sampled_from(ENDS),
    ascii=st.booleans(),
    cut=st.lists(st.integers(1, 1_000), max_size=8),
    ended=st.booleans(),
)
def test_any_stream(
    pair: tuple[asyncio.Runner, Both], responses: list[Any], end: bytes, ascii: bool, cut: list[int], ended: bool
) -> None:
    texts = [json.dumps(one, ensure_ascii=ascii).encode(errors="replace") for one in responses]
    whole = b"".join(b"data: " + text + end + end for text in texts)
    runner, readers = pair
    runner.run(readers.read(sent(whole, cut=cut, ended=ended)))
