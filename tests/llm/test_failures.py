"""Each way a call can fail, and the error it becomes."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from penstock.errors import ModelFailure, ModelUnavailable, OutputInvalid, OutputTruncated, PenstockError
from penstock.llm.client import Llm
from penstock.llm.usage import Meter
from tests.llm.asking import Sum, asked, at, chunks
from tests.llm.wire import Wire, error, events, http, parts, said
from tests.support.simulator import Steering

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


async def failing(llm: Llm, **options: Any) -> Any:
    with pytest.raises(PenstockError) as raised:
        await chunks(llm, **options)
    assert raised.value.__context__ is None, "an SDK error in the context may hold the key"
    return raised.value


async def answered(answer: bytes, **settings: Any) -> Any:
    async with Wire([answer]) as wire, at(wire.url, **settings) as llm:
        return await failing(llm)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_status_that_passes_is_unavailable_and_is_not_retried(
    llm: Llm, steering: Steering, status: int
) -> None:
    await steering.rule(fault={"status": status})
    failure = await failing(llm)
    assert isinstance(failure, ModelUnavailable)
    assert failure.retry_after is None
    assert (await steering.stats()).calls == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "model_rejected"),
        (401, "model_unauthorized"),
        (403, "model_unauthorized"),
        (404, "model_not_found"),
        (413, "model_rejected"),
    ],
)
async def test_a_refusal_is_a_failure_with_its_own_code(llm: Llm, steering: Steering, status: int, code: str) -> None:
    await steering.rule(fault={"status": status, "message": "Not like this."})
    failure = await failing(llm)
    assert isinstance(failure, ModelFailure)
    assert failure.code == code
    assert "Not like this." in failure.detail


async def test_an_invalid_key_is_unauthorized_though_google_answers_400() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    assert (await answered(error(400, "API key not valid.", details))).code == "model_unauthorized"


async def test_retry_info_says_when_to_come_back(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"status": 429, "retryDelay": 34.5})
    assert (await failing(llm)).retry_after == 34.5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("86400", 86400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2099 07:28:00 -0000", None),
        ("soon", None),
    ],
)
async def test_a_retry_after_header_does_so_too(header: str, seconds: float | None) -> None:
    failure = await answered(error(503, "later", None, f"Retry-After: {header}"))
    assert failure.retry_after == seconds


async def test_a_retry_after_header_may_be_a_date_to_come() -> None:
    failure = await answered(error(503, "later", None, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"))
    assert failure.retry_after > 1e9


async def test_retry_info_goes_before_the_header_and_nonsense_does_not() -> None:
    exact = error(429, "x", [{"@type": RETRY_INFO, "retryDelay": "3.2s"}], "Retry-After: 4")
    assert (await answered(exact)).retry_after == 3.2
    nonsense = error(429, "x", [{"@type": RETRY_INFO, "retryDelay": {"seconds": "a"}}], "Retry-After: 4")
    assert (await answered(nonsense)).retry_after == 4


@pytest.mark.parametrize("kept", [0, 1])
async def test_a_connection_that_breaks_is_unavailable(llm: Llm, steering: Steering, kept: int) -> None:
    await steering.rule(reply={"text": "a reply of some length"}, fault={"breakAfterChunks": kept})
    assert isinstance(await failing(llm), ModelUnavailable)


async def test_a_model_that_does_not_answer_in_time_is_unavailable(simulator: str, steering: Steering) -> None:
    await steering.rule(fault={"hang": True})
    async with at(simulator, model_first_token_timeout=0.05) as llm:
        assert "in time" in (await failing(llm)).detail
    await steering.wait(status="disconnected")


@pytest.mark.parametrize("limit", [{"model_timeout": 0.2}, {"model_idle_timeout": 0.05}])
async def test_a_model_that_stops_halfway_is_unavailable(
    simulator: str, steering: Steering, limit: dict[str, Any]
) -> None:
    await steering.rule(reply={"text": "a reply of some length", "hold": "for ever"})
    async with at(simulator, **limit) as llm:
        assert "in time" in (await failing(llm)).detail
    await steering.wait(status="disconnected")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with Wire([b""]) as wire:
        pass
    async with at(wire.url) as llm:
        assert "ConnectError" in (await failing(llm)).detail


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"not http\r\n\r\n", id="not HTTP"),
        pytest.param(http("200 OK", b"<html>sign in</html>"), id="a portal's page"),
        pytest.param(http("502 Bad Gateway", b"\xff\xfe<html>"), id="a proxy's page in no encoding"),
        pytest.param(events(), id="an empty stream"),
        pytest.param(events([1]), id="a list"),
        pytest.param(events({"candidates": "none"}), id="another shape"),
        pytest.param(events(parts({"text": "a"})), id="no finish reason"),
        pytest.param(events(parts({"text": "a"}), ended=False), id="a body without its end"),
        pytest.param(events(parts({"text": "a"}), {"error": {"code": 503, "message": "no"}}), id="an error inside"),
        pytest.param(events(parts({"text": "a"}), {"error": {"message": "no"}}), id="an error without a code"),
        pytest.param(said("x", "OTHER"), id="a reason that says nothing"),
        pytest.param(said("x", "FINISH_REASON_UNSPECIFIED"), id="no reason"),
    ],
)
async def test_a_reply_that_cannot_be_read_is_unavailable(answer: bytes) -> None:
    assert isinstance(await answered(answer), ModelUnavailable)


async def test_an_error_inside_a_stream_keeps_its_meaning() -> None:
    inside = events(parts({"text": "a"}), {"error": {"code": 400, "message": "too long", "status": "INVALID_ARGUMENT"}})
    assert (await answered(inside)).code == "model_rejected"


async def test_a_finish_reason_from_the_future_is_unavailable() -> None:
    failure = await answered(said("x", "NEW_REASON"))
    assert isinstance(failure, ModelUnavailable)
    assert "NEW_REASON" in failure.detail


async def test_a_redirect_is_not_followed_since_it_would_take_the_key_along() -> None:
    async with Wire([said("stolen")]) as other:
        failure = await answered(http("302 Found", b"", f"Location: {other.url}/v1/"))
    assert failure.code == "model_not_found"
    assert not other.asked


async def test_a_blocked_prompt_is_blocked(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"promptBlocked": True})
    assert (await failing(llm)).code == "model_blocked"


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII"])
async def test_a_blocked_reply_is_blocked(llm: Llm, steering: Steering, reason: str) -> None:
    await steering.rule(reply={"text": "half a", "finishReason": reason})
    failure = await failing(llm)
    assert failure.code == "model_blocked"
    assert reason in failure.detail


async def test_a_lost_signature_is_our_mistake(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"finishReason": "MISSING_THOUGHT_SIGNATURE"})
    assert (await failing(llm)).code == "model_rejected"


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "CONTINUATION"])
async def test_a_reply_that_is_cut_off_is_truncated(llm: Llm, steering: Steering, reason: str) -> None:
    await steering.rule(reply={"text": "half a", "finishReason": reason})
    assert isinstance(await failing(llm), OutputTruncated)
    assert (await steering.stats()).calls == 1


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
async def test_a_reply_that_is_no_use_is_invalid(llm: Llm, steering: Steering, reason: str) -> None:
    await steering.rule(reply={"text": "call(", "finishReason": reason})
    assert isinstance(await failing(llm), OutputInvalid)


async def test_an_empty_reply_is_invalid(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": ""})
    assert isinstance(await failing(llm), OutputInvalid)


async def test_a_failed_call_is_paid_for_if_it_had_an_answer(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "half a", "finishReason": "MAX_TOKENS"}, times=1)
    await steering.rule(fault={"status": 503})
    meter = Meter()
    for _ in range(2):
        await failing(llm, meter=meter)
    assert meter.usage.calls == 1
    assert meter.usage.output_tokens > 0


async def test_an_error_never_tells_the_key() -> None:
    key = "AIzaSyVerySecret"
    delivered = error(403, f"Permission denied: Consumer 'api_key:{key}' has been suspended.")
    async with Wire([delivered]) as wire, at(wire.url, key) as llm:
        with pytest.raises(ModelFailure) as raised:
            await anext(asked(llm))
    everything = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(llm.settings)
    assert key not in everything
    assert "[api key]" in raised.value.detail


async def test_a_reply_that_is_nested_deeper_than_the_sdk_reads_is_invalid() -> None:
    """In one piece: the SDK tries to read it as JSON."""
    async with Wire([said('{"response":' + "[" * 1_000)]) as wire, at(wire.url, sdk_stream=True) as llm:
        assert isinstance(await failing(llm, output=Sum), OutputInvalid)
