"""The reply to a step that does nothing but ask is its outcome: the cache says where, and has it not a second time."""

import asyncio
from typing import Any

import pytest

from penstock.contracts.journal import Outcome
from penstock.contracts.turns import Kept, TextPiece
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.steps.claims import CLAIM, claim_of, reply_in, step_of
from penstock.steps.replies import Replies
from tests.llm.cache.caching import QUERY, calls
from tests.support.pipeline import Pipeline
from tests.support.simulator import Steering
from tests.support.waiting import Waiting

JOB, KEY = JobName("default", "another"), "step-1"
POINTING = claim_of(JOB, KEY, by_outcome=True)
PLACE = subjects.cached("default", "question")


def outcome(**about: Any) -> bytes:
    done = Outcome(
        fingerprint="f", service="workers", step="step", key=KEY, attempt=1, model="m", usage=Usage(calls=1), **about
    )
    return done.model_dump_json().encode()


FAILED = outcome(failure=Failure("step_error", "it failed after its reply").problem())


async def read(replies: Replies) -> str | None:
    """The text that was found; None where the model is asked."""

    async def ask() -> tuple[str, Kept]:
        return "asked", Kept.of("m", [TextPiece(text="asked")])

    value, kept = await replies.reply("question", lambda kept: "".join(map(str, kept.parts)), ask)
    return value if kept else None


async def test_nothing_is_kept_beside_the_outcome(pipeline: Pipeline, gemini: Steering) -> None:
    first = await pipeline.run("routing", QUERY)
    standing = [stored.data async for stored in pipeline.bus.history("cache.>")]
    assert len(standing) == 2
    assert all(step_of(data) for data in standing)
    assert await pipeline.run("routing", QUERY) == first
    assert await calls(gemini) == 2


@pytest.mark.parametrize("value", ["text", {"a": [1, 2.0, "é", None]}], ids=["text", "JSON"])
async def test_a_claim_is_answered_by_the_outcome_of_its_step(bus: Bus, replies: Replies, value: Any) -> None:
    await bus.append(PLACE, POINTING)
    await bus.once(subjects.journal(JOB, KEY), outcome(value=value))
    assert await read(replies) == (value if isinstance(value, str) else '{"a":[1,2.0,"é",null]}')


async def test_who_waits_is_told_of_the_outcome(bus: Bus, replies: Replies) -> None:
    await bus.append(PLACE, POINTING)
    async with Waiting(bus) as waiting, asyncio.TaskGroup() as group:
        reading = group.create_task(read(replies))
        await waiting.more()
        await bus.once(subjects.journal(JOB, KEY), outcome(value="text"))
    assert reading.result() == "text"


async def test_who_waits_waits_for_whoever_takes_over(bus: Bus, replies: Replies) -> None:
    """Another step has claimed it: its outcome is the reply."""
    first = await bus.append(PLACE, claim_of(JOB, "dead", by_outcome=True))
    async with asyncio.TaskGroup() as group:
        async with Waiting(bus) as waiting:
            reading = group.create_task(read(replies))
            await waiting.more()
        async with Waiting(bus) as waiting:
            await bus.append(PLACE, POINTING, headers={"Nats-Expected-Last-Subject-Sequence": str(first)})
            await waiting._looks.acquire()  # subscribed to what becomes of the other one
        await bus.once(subjects.journal(JOB, KEY), outcome(value="text"))
    assert reading.result() == "text"


@pytest.mark.parametrize("written", [FAILED, b"of a newer release"], ids=["failed", "not understood"])
async def test_a_step_that_has_no_value_answers_nobody(bus: Bus, replies: Replies, written: bytes) -> None:
    await bus.append(PLACE, POINTING)
    await bus.once(subjects.journal(JOB, KEY), written)
    assert await read(replies) is None
    assert await read(replies) == "asked"


@pytest.mark.parametrize(
    "data", [b"", b"free", CLAIM + b"default.job.key", CLAIM + b"default outcome", b"\xff outcome"]
)
def test_what_names_no_outcome(data: bytes) -> None:
    assert step_of(data) is None


def test_what_is_no_reply_is_none() -> None:
    assert Kept.model_validate_json(reply_in(outcome(value="text"))) == Kept(model="m", parts=("text",))
    assert step_of(POINTING) == (JOB, KEY)
