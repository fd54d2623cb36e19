"""The reply to a step that does nothing but ask is its outcome: the cache says where, and has it not a second time."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from nats.aio.msg import Msg

from penstock.contracts.journal import Outcome
from penstock.contracts.turns import Kept, TextPiece
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName, Wire
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.steps.claims import CLAIM, Claim
from penstock.steps.replies import Replies
from tests.llm.cache.caching import QUERY, asked_by, calls
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.simulator import Steering
from tests.support.waiting import Waiting

JOB, KEY = JobName("default", "another"), "step-1"
TEXT = bytes(Claim.of(JOB, KEY, "this", str))
JSON = bytes(Claim.of(JOB, KEY, "this", Wire))
PLACE = subjects.cached("default", "question")


def outcome(**about: Any) -> bytes:
    done = Outcome(
        fingerprint="f",
        service="workers",
        step="step",
        key=KEY,
        attempt=1,
        usage=Usage(calls=1),
        **{"i": "this"} | about,
    )
    return done.model_dump_json().encode()


FAILED = outcome(failure=Failure("step_error", "it failed after its reply").problem())


class Renewals(asyncio.Queue[Msg]):
    """`async with`: what is stored there from entry on."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus

    async def __aenter__(self) -> "Renewals":
        self._heard = await self._bus.subscribe(subjects.told("default", "question"), self.put_nowait)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bus.unsubscribe(self._heard)


async def read(replies: Replies, together: asyncio.Barrier | None = None) -> str | None:
    """The text that was found; None where the model is asked, which answers once all have asked it `together`."""

    async def ask() -> tuple[str, Kept]:
        if together is not None:
            await together.wait()
        return "asked", Kept.of("m", [TextPiece(text="asked")])

    value, kept = await replies.reply("question", lambda kept: "".join(map(str, kept.parts)), ask)
    return value if kept else None


async def test_nothing_is_kept_beside_the_outcome(pipeline: Pipeline, gemini: Steering) -> None:
    first = await pipeline.run("routing", QUERY)
    standing = [stored.data async for stored in pipeline.bus.history("cache.>")]
    assert len(standing) == 2
    assert all((claim := Claim.read(data)) and claim.by_outcome for data in standing)
    assert await pipeline.run("routing", QUERY) == first
    assert await calls(gemini) == 2


@pytest.mark.parametrize(
    ("claim", "value", "text"),
    [(TEXT, "text", "text"), (JSON, "text", '"text"'), (JSON, {"a": [1, 2.0, "é", None]}, '{"a":[1,2.0,"é",null]}')],
)
async def test_a_claim_is_answered_by_the_outcome_of_its_step(
    bus: Bus, replies: Replies, claim: bytes, value: Any, text: str
) -> None:
    await bus.append(PLACE, claim)
    await bus.once(subjects.journal(JOB, KEY), outcome(value=value))
    assert await read(replies) == text


async def test_a_claim_is_not_answered_by_another_attempt(bus: Bus, replies: Replies) -> None:
    """It may have asked another model."""
    await bus.append(PLACE, TEXT)
    await bus.once(subjects.journal(JOB, KEY), outcome(value="text", i="later"))
    assert await read(replies) is None
    assert await read(replies) == "asked"


async def test_who_waits_is_told_of_the_outcome(bus: Bus, replies: Replies) -> None:
    await bus.append(PLACE, TEXT)
    async with Waiting(bus) as waiting, asyncio.TaskGroup() as group:
        reading = group.create_task(read(replies))
        await waiting.more()
        await bus.once(subjects.journal(JOB, KEY), outcome(value="text"))
    assert reading.result() == "text"


async def test_who_waits_waits_for_whoever_takes_over(bus: Bus, replies: Replies) -> None:
    """Another step has claimed it: its outcome is the reply."""
    first = await bus.append(PLACE, bytes(Claim.of(JOB, "dead", "it", str)))
    async with asyncio.TaskGroup() as group:
        async with Waiting(bus) as waiting:
            reading = group.create_task(read(replies))
            await waiting.more()
        async with Waiting(bus) as waiting:
            await bus.append(PLACE, TEXT, headers={"Nats-Expected-Last-Subject-Sequence": str(first)})
            await waiting._looks.acquire()  # subscribed to what becomes of the other one
        await bus.once(subjects.journal(JOB, KEY), outcome(value="text"))
    assert reading.result() == "text"


@pytest.mark.parametrize("written", [FAILED, b"of a newer release"], ids=["failed", "not understood"])
async def test_a_step_that_has_no_value_answers_nobody(bus: Bus, replies: Replies, written: bytes) -> None:
    await bus.append(PLACE, TEXT)
    await bus.once(subjects.journal(JOB, KEY), written)
    assert await read(replies) is None
    assert await read(replies) == "asked"


async def test_where_the_step_failed_each_that_waits_asks_for_itself(bus: Bus, replies: Replies) -> None:
    await bus.append(PLACE, TEXT)
    together = asyncio.Barrier(3)
    async with asyncio.timeout(PATIENCE), Waiting(bus) as waiting, asyncio.TaskGroup() as group:
        asked = [group.create_task(read(asked_by(replies, number), together)) for number in range(3)]
        await waiting.more(3)
        await bus.once(subjects.journal(JOB, KEY), FAILED)
    assert [task.result() for task in asked] == [None] * 3


async def test_a_claim_is_renewed_until_its_outcome_is_stored(bus: Bus, replies: Replies) -> None:
    """Or given up with its attempt: who waits need not wait longer."""
    asking = replace(replies, own=Claim.of(JOB, KEY, "this", str), claimed=0.3)
    assert await read(asking) is None
    async with asyncio.timeout(PATIENCE), Renewals(bus) as renewals:
        for _ in range(3):
            await renewals.get()
    (held,) = asking._open
    while held._renewing is not None and not held._renewing.done():  # however long NATS's answer takes here
        await asyncio.wait({held._renewing})
    await asking.aclose()
    assert await read(replies) is None
    assert await read(replies) == "asked"


@pytest.mark.parametrize(
    "data", [b"", b"free", CLAIM + b"t.job", CLAIM + b"t.\xff.k", CLAIM + b"t.j.k text", CLAIM + b"t.j.k xml i"]
)
def test_what_is_no_claim(data: bytes) -> None:
    assert Claim.read(data) is None


@pytest.mark.parametrize("data", [TEXT, JSON, CLAIM + b"t.j.k"])
def test_a_claim_is_read_as_it_was_written(data: bytes) -> None:
    claim = Claim.read(data)
    assert claim is not None
    assert bytes(claim) == data
