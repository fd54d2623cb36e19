"""Two attempts at a step run at once: one ends, and readers have seen of the step what its outcome says."""

import asyncio
from typing import Any

from penstock.contracts.events import Event, JobCompleted
from penstock.contracts.journal import Outcome
from penstock.jetstream import subjects
from penstock.jetstream.event_log import EventLog
from penstock.patterns.routing.contract import Answer
from penstock.steps.parts import PartSink
from tests.faults.fault_harness import checked
from tests.support.naming import named
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


def answer(response: str) -> dict[str, Any]:
    return {"response": response, "nextSteps": [], "estimatedResolutionTime": "soon"}


async def write_outcome(pipeline: Pipeline, job: str, value: dict[str, Any], **attempt: Any) -> None:
    outcome = Outcome(
        step="respond", key="respond-1", fingerprint="", service="workers", into="/", value=value, **attempt
    )
    assert await pipeline.bus.once(subjects.journal(named(job), "respond-1"), outcome.model_dump_json().encode())


async def test_an_attempt_ends_when_another_has_written_the_outcome(pipeline: Pipeline) -> None:
    """Its model call is closed, and what it had shown is replaced in every reader's text before the job ends."""
    words = answer("the words of the attempt that is too late " * 20)
    await pipeline.gemini.rule(step="respond", reply={"json": words, "hold": "late"})
    job = await pipeline.submit("routing", QUERY)
    events: list[Event] = []
    async with asyncio.timeout(30):
        async for event in pipeline.following(job):
            events.append(event)
            if event.type == "delta" and event.k == "respond-1":
                break
        await write_outcome(pipeline, job, answer("the winner's"), attempt=1, i="winner", n=9)
        await pipeline.gemini.wait(job=job, step="respond", status="disconnected")
    told = await pipeline.events(job)
    assert checked(told, "routing")["response"] == "the winner's"
    assert [event.type for event in told].count("part.reset") == 1
    assert await pipeline.events(job) == told


async def test_attempts_of_one_number_are_told_apart(pipeline: Pipeline) -> None:
    """A NATS server that was killed may have forgotten that it delivered the step before."""
    await pipeline.stop("workers")
    job = await pipeline.submit("routing", QUERY)
    first, second = EventLog(pipeline.bus, named(job)), EventLog(pipeline.bus, named(job))
    sinks = [
        PartSink(log, {"k": "respond-1", "a": 1, "i": name}, into="/", output=Answer, flush_interval=0)
        for log, name in ((first, "first"), (second, "second"))
    ]
    texts = [Answer.model_validate(answer(f"the {word} one's")).model_dump_json() for word in ("first", "other")]
    for sink in sinks:
        sink.started("respond", "workers", None)
    for pieces in zip(*texts, strict=True):
        for sink, piece in zip(sinks, pieces, strict=True):
            sink.text(piece)
            await first.flush()
            await second.flush()
    value = sinks[1].finish(None)
    await second.flush()
    await write_outcome(pipeline, job, value, attempt=1, i="second", n=sinks[1].number)
    told = await pipeline.events(job)
    assert isinstance(told[-1], JobCompleted)
    assert checked(told, "routing")["response"] == "the other one's"
    for log in (first, second):
        await log.aclose()
