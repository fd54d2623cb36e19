"""One call: what is sent, what is streamed, and what closing it does."""

from __future__ import annotations

import asyncio
import base64
from contextlib import aclosing

import pytest
from pydantic import SecretStr

from penstock.contracts.prompt import Prompt
from penstock.contracts.turns import TextPiece, ToolCall, ToolResult, Turn
from penstock.errors import Misconfigured, ModelUnavailable
from penstock.llm.client import Llm
from penstock.llm.usage import Meter
from penstock.settings import Models
from tests.llm.asking import ADD, PROMPT, Review, asked, at, chunks, text_of
from tests.llm.wire import Wire, events, parts, said
from tests.support.patience import PATIENCE
from tests.support.simulator import Steering


async def test_a_text_comes_in_pieces(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "A river is a road that carries you."})
    received = await chunks(llm)
    assert text_of(received) == "A river is a road that carries you."
    assert len(received) > 2


async def test_the_simulators_replies_say_that_they_are_the_simulators_and_have_no_price(
    llm: Llm, steering: Steering
) -> None:
    meter = Meter()
    await chunks(llm, meter=meter)
    (call,) = await steering.calls()
    assert meter.model == "simulator/gemini-3.8-flash"
    assert call.usage is not None
    assert meter.usage.calls == 1
    assert meter.usage.prompt_tokens == call.usage.prompt_token_count
    assert meter.usage.output_tokens == call.usage.candidates_token_count
    assert meter.usage.thinking_tokens == call.usage.thoughts_token_count
    assert meter.usage.cost_usd is None


async def test_a_models_fields_are_the_schema_of_its_reply(llm: Llm, steering: Steering) -> None:
    received = await chunks(llm, output=Review)
    (call,) = await steering.calls()
    assert call.schema_properties == ["score", "shortSummary", "improvements"]
    assert Review.model_validate_json(text_of(received), strict=True)


async def test_labels_go_along_as_headers_where_the_base_url_is_not_googles(llm: Llm, steering: Steering) -> None:
    await chunks(llm)
    (call,) = await steering.calls()
    assert (call.job, call.key, call.step) == ("job-1", "draft-1", "draft")


async def test_labels_are_not_sent_where_calls_are_not_traced() -> None:
    async with Wire([said("yes")]) as wire, at(wire.url) as llm:
        llm.traces = False
        await chunks(llm)
    assert not [name for name in wire.asked[0].headers if name.startswith("x-penstock")]


@pytest.mark.parametrize("url", [None, "https://generativelanguage.googleapis.com/"])
async def test_google_is_not_told_about_jobs(url: str | None) -> None:
    async with aclosing(Llm(Models(model_base_url=url, model_api_key=SecretStr("k")))) as llm:
        assert not llm.traces


async def test_only_what_the_prompt_says_is_sent() -> None:
    async with Wire([said("yes")]) as wire, at(wire.url) as llm:
        await chunks(llm)
    (asked,) = wire.asked
    assert asked.path == "/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert asked.body == {
        "contents": [{"role": "user", "parts": [{"text": "Write a line about rivers."}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": "You write."}]},
        "generationConfig": {"maxOutputTokens": 65_536, "thinkingConfig": {"thinking_level": "MEDIUM"}},
    }


async def test_a_tool_call_comes_with_its_id_and_signature(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"functionCalls": [{"name": "add", "args": {"a": 2, "b": 3.5}}]})
    (call,) = await chunks(llm, tools=[ADD])
    assert isinstance(call, ToolCall)
    assert (call.name, call.args) == ("add", {"a": 2, "b": 3.5})
    assert call.id is not None
    assert call.signature is not None
    assert (await steering.calls())[0].tools == ["add"]


async def test_signatures_survive_the_journal_and_go_back_unchanged() -> None:
    signature = bytes(range(256))
    encoded = base64.b64encode(signature).decode()
    first = events(
        parts({"text": "let me see", "thought": True}),
        parts({"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}, "thoughtSignature": encoded}),
        parts({"text": "", "thoughtSignature": encoded}, finish="STOP"),
    )
    async with Wire([first, said("3")]) as wire, at(wire.url) as llm:
        received = await chunks(llm, tools=[ADD])
        turn = Turn(role="model", parts=tuple(one for one in received if isinstance(one, TextPiece | ToolCall)))
        kept = Turn.model_validate_json(turn.model_dump_json())
        results = Turn(role="user", parts=(ToolResult(id="c1", name="add", output={"output": 3}),))
        await chunks(llm, PROMPT.then(kept, results), tools=[ADD])
    _, said_back, answered = wire.asked[1].body["contents"]
    sent = [base64.urlsafe_b64decode(part["thoughtSignature"]) for part in said_back["parts"]]
    assert sent == [signature, signature]
    assert said_back["parts"][0]["functionCall"] == {"id": "c1", "name": "add", "args": {"a": 1}}
    assert answered["parts"] == [{"functionResponse": {"id": "c1", "name": "add", "response": {"output": 3}}}]


async def test_thoughts_are_not_text() -> None:
    reply = events(parts({"text": "hm", "thought": True}), parts({"text": "yes"}, finish="STOP"))
    async with Wire([reply]) as wire, at(wire.url) as llm:
        assert text_of(await chunks(llm)) == "yes"


async def test_a_price_comes_with_a_model_that_has_one() -> None:
    reply = said("yes", modelVersion="models/gemini-3.8-flash", usageMetadata={"promptTokenCount": 1_000_000})
    async with Wire([reply]) as wire, at(wire.url) as llm:
        meter = Meter()
        await chunks(llm, meter=meter)
    assert meter.model == "gemini-3.8-flash"
    assert meter.usage.cost_usd is not None
    assert meter.usage.cost_usd > 0


async def test_closing_a_stream_closes_its_connection_and_keeps_account(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "a long reply " * 50, "hold": "gate"})
    meter = Meter()
    stream = asked(llm, meter=meter)
    assert isinstance(await anext(stream), TextPiece)
    await stream.aclose()
    await steering.wait(status="disconnected")
    assert meter.usage.calls == 1
    assert meter.usage.prompt_tokens > 0
    assert meter.model == "simulator/gemini-3.8-flash"


@pytest.mark.parametrize("sdk", [False, True])
async def test_the_connection_is_closed_when_aclose_returns(sdk: bool) -> None:
    held = asyncio.Event()
    reply = events(parts({"text": "a"}), ended=False)
    async with Wire([reply], hold=held) as wire, at(wire.url, sdk_stream=sdk) as llm:
        stream = asked(llm)
        await anext(stream)
        assert not wire.gone.is_set()
        await stream.aclose()
        async with asyncio.timeout(PATIENCE):
            await wire.gone.wait()


async def test_cancelling_closes_a_call_that_has_no_answer_yet(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"hang": True})
    asking = asyncio.create_task(chunks(llm))
    await steering.wait(status="running")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await steering.wait(status="disconnected")


async def test_more_calls_than_an_http_pool_usually_has_run_at_the_same_time(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "ok then", "hold": "gate"})
    calls = [asyncio.create_task(chunks(llm)) for _ in range(150)]
    await steering.wait(held="gate", count=150)
    await steering.release("gate")
    assert {text_of(await call) for call in calls} == {"ok then"}
    assert (await steering.stats()).peak_running == 150


async def test_key_and_base_url_come_from_the_sdks_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire([said("yes")]) as wire:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", wire.url)
        monkeypatch.setenv("GEMINI_API_KEY", "from-outside")
        async with aclosing(Llm(Models())) as llm:
            await chunks(llm)
            assert llm.traces
    assert wire.asked[0].headers["x-goog-api-key"] == "from-outside"


async def test_vertex_variables_do_not_make_it_another_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    async with Wire([said("yes")]) as wire, at(wire.url) as llm:
        assert text_of(await chunks(llm)) == "yes"


async def test_a_base_url_that_is_not_googles_needs_no_key() -> None:
    async with Wire([said("none here")]) as wire, aclosing(Llm(Models(model_base_url=wire.url))) as llm:
        assert text_of(await chunks(llm)) == "none here"


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("two\nlines"), SecretStr("schlüssel")])
def test_a_key_that_cannot_be_sent_is_refused_at_the_start(key: SecretStr | None) -> None:
    with pytest.raises(Misconfigured, match="key"):
        Llm(Models(model_api_key=key))


async def test_a_closed_client_fails_as_unavailable(simulator: str) -> None:
    async with at(simulator) as llm:
        pass
    with pytest.raises(ModelUnavailable):
        await chunks(llm, Prompt.user("hello"))
