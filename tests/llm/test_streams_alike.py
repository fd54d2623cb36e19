"""Our own reader of the stream and the SDK's, over real HTTP: what is sent, read and raised is the same."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
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
from tests.llm.corpus import BODIES, END, PROBLEM, RETRY, SIGNED, USAGE, body, event, sent
from tests.llm.wire import Wire, error, http

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
