"""What a process exports, and what becomes of it if nobody takes it."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from penstock import correlation, tracing
from penstock.contracts.wire import JobName
from penstock.llm.client import Llm
from penstock.settings import Models
from penstock.tracing.exporting import Exporting
from tests.llm.asking import PROMPT, chunks
from tests.support.collector import Collector
from tests.support.simulator import Steering

JOB = JobName("acme", "job-1")
ANSWER = "The river bends."


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        yield collector
        tracing.shutdown()


@pytest.mark.parametrize("contents", [True, False])
async def test_what_is_asked_and_answered_is_shown_where_a_setting_says_so(
    contents: bool, collector: Collector, gemini: Steering, gemini_url: str
) -> None:
    await gemini.rule(reply={"text": ANSWER})
    tracing.configure("workers", contents=contents)
    llm = Llm(Models(model_base_url=gemini_url))
    await chunks(llm)
    await llm.aclose()
    await asyncio.to_thread(tracing.shutdown)
    (call,) = collector.spans
    messages = {
        name: json.loads(text) for name, text in call.attributes.items() if "message" in name or "system" in name
    }
    said = [{"role": "user", "parts": [{"type": "text", "content": PROMPT.turns[0].text}]}]
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}]}]
    system = [{"type": "text", "content": PROMPT.system}]
    wanted = {"system_instructions": system, "input.messages": said, "output.messages": answered}
    assert messages == ({f"gen_ai.{name}": value for name, value in wanted.items()} if contents else {})
    assert (ANSWER in str(call.attributes)) is contents


def test_a_job_s_span_is_the_same_whoever_begins_it(collector: Collector) -> None:
    """Within the trace that it came with, or one of its own. Who does not end it exports nothing."""
    tracing.configure("aggregator")
    correlation.begin(correlation.About())
    began = [tracing.begin("routing", job=JOB, id="job", enter=False) for _ in range(2)]
    tracing.begin("another", job=JOB, id="step draft-1", enter=False)
    for span in began:
        span.end()
    tracing.shutdown()
    first, second = collector.spans
    assert (first.trace, first.id, first.parent) == (second.trace, second.id, "")
    assert int(first.trace, 16)


async def test_an_author_s_own_spans_lie_in_the_attempt(collector: Collector) -> None:
    """Through OpenTelemetry's API, where the author has set up a provider."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept := InMemorySpanExporter()))
    tracing.configure("workers")
    attempt = tracing.begin("attempt 1")
    with provider.get_tracer("theirs").start_as_current_span("theirs"):
        pass
    attempt.end()
    await asyncio.to_thread(tracing.shutdown)
    (own,), (theirs,) = collector.spans, kept.get_finished_spans()
    assert theirs.parent is not None
    assert (theirs.parent.trace_id, theirs.parent.span_id) == (int(own.trace, 16), int(own.id, 16))


def test_what_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that never answers: the queue holds no more than it may, and a process ends all the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "600")
        exporting = Exporting("workers", contents=False)
        for _ in range(5_000):
            span = exporting.begin("x", {}, kind="internal", job=None, id=None, parent=None, at=None)
            exporting.end(span, {}, None, None, None)
        (processor,) = exporting._provider._active_span_processor._span_processors
        assert isinstance(processor, BatchSpanProcessor)
        assert len(processor._batch_processor._queue) <= 600
        exporting.shutdown()
