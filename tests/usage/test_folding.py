"""What the journal says is added up once, whoever adds it and whatever becomes of them."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from penstock.contracts.journal import Outcome, Wasted, wasted_key
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage, UsageReport
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from penstock.usage import Folding, days, report
from penstock.usage.folding import Place
from tests.support.naming import named
from tests.support.partitions import in_partitions

PAID = {"gemini-4-argon": Usage(calls=1, prompt_tokens=10, output_tokens=3, cost_usd=0.25)}
FAILED = Problem(type="urn:penstock:step_error", title="", status=500, code="step_error", detail="")


async def write(bus: Bus, job: str, count: int, *, failure: Problem | None = None) -> None:
    """`count` outcomes of a job, each with what its attempt cost."""
    for number in range(count):
        about = {"step": "draft", "key": f"draft-{number}", "attempt": 1, "fingerprint": "", "service": "workers"}
        outcome = Outcome.model_validate(
            {**about, "pattern": "p", "paid": PAID, "failure": failure, "value": "x" * 500}
        )
        await bus.once(subjects.journal(named(job), outcome.key), outcome.model_dump_json().encode())


async def reported(bus: Bus) -> UsageReport:
    return await report(bus, *days(None, None), ("step",))


@in_partitions
async def test_what_many_add_at_once_is_added_once(bus: Bus, settings: Settings) -> None:
    """Six processes fold while outcomes are written; each has a connection of its own, and none knows of the others."""
    async with AsyncExitStack() as stack:
        foldings = []
        for number in range(6):
            one = await connect(settings, f"folding-{number}")
            stack.push_async_callback(one.connection.close)
            foldings.append(Folding(one))
        writing = [asyncio.ensure_future(write(bus, f"job-{number}", 40)) for number in range(5)]
        while not all(task.done() for task in writing):
            await asyncio.gather(*(folding.fold() for folding in foldings))
        await asyncio.gather(*writing)
        await asyncio.gather(*(folding.fold() for folding in foldings))
    total = (await reported(bus)).total
    assert (total.calls, total.prompt_tokens, total.output_tokens, total.cost_usd) == (200, 2000, 600, 50.0)


@pytest.mark.long
@in_partitions
async def test_one_that_dies_anywhere_adds_nothing_twice(bus: Bus) -> None:
    """It is cut off after each of its steps in turn: reading, adding to a row, and saying how far it came."""
    for turn in range(60):
        await write(bus, f"job-{turn}", 1)
        folding = asyncio.ensure_future(Folding(bus).fold())
        for _ in range(turn):
            await asyncio.sleep(0)
        folding.cancel()
        await asyncio.wait([folding])
    await Folding(bus).fold()
    assert (await reported(bus)).total.calls == 60


async def test_a_place_that_is_lost_costs_another_reading_only(bus: Bus) -> None:
    folding = Folding(bus)
    await write(bus, "job", 3)
    await folding.fold()
    before = await reported(bus)
    await bus.append(subjects.USAGE_PLACE, Place().model_dump_json().encode())
    await folding.fold()
    assert await reported(bus) == before
    assert before.total.calls == 3


async def test_a_journal_that_begins_anew_is_added_to_what_there_was(bus: Bus, settings: Settings) -> None:
    """Its numbers are given out again, as those are that a killed NATS server forgets: by their time they are new."""
    await write(bus, "before", 5)
    await Folding(bus).fold()
    await bus.jetstream.delete_stream(subjects.JOURNAL)
    await declare(bus.jetstream, settings)
    await write(bus, "after", 2)
    await Folding(bus).fold()
    await Folding(bus).fold()
    assert (await reported(bus)).total.calls == 7


async def test_what_failed_or_was_wasted_is_part_of_all_that_was_used(bus: Bus) -> None:
    """What somebody else writes to the journal stops nothing."""
    await write(bus, "good", 2)
    await write(bus, "bad", 1, failure=FAILED)
    wasted = Wasted(pattern="p", step="draft", key="draft-0", paid={"nobody's": Usage(calls=1, output_tokens=7)})
    await bus.once(subjects.journal(named("good"), wasted_key("a1")), wasted.model_dump_json().encode())
    await bus.once(subjects.journal(named("odd"), "draft-1"), b"no JSON")
    await Folding(bus).fold()
    (row,) = (await reported(bus)).rows
    assert (row.calls, row.output_tokens, row.wasted.calls, row.wasted.output_tokens) == (4, 16, 2, 10)
    assert (row.cost_usd, row.unpriced_calls) == (0.75, 1)
