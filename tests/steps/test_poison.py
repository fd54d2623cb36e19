"""A step that takes its process with it each time is given up by whoever receives it next."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from penstock.contracts.events import EVENT, Delta, PartReset, PartStart, StepStarted
from penstock.contracts.journal import Outcome
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.steps.step_harness import KEY, STEPS, AnyStep, StepHarness
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.settling import Settlements
from tests.support.simulator import Steering


def began(step: AnyStep, number: int) -> bytes:
    """What an executor has stored that did not survive its attempt."""
    started = StepStarted(k=KEY, a=number, i=f"attempt-{number}", n=0, step=step.name, service=step.service)
    return EVENT.dump_json(started)


async def test_every_step_past_its_attempts_is_failed_then_kept_then_terminated(
    settings: Settings, gemini: Steering
) -> None:
    """In that order: a step without an outcome would hang its job. No model is asked, and the service lives on."""
    settings = settings.model_copy(update={"max_deliveries": 2})
    bus = await connect(settings, "test")
    heard = defaultdict[str, list[str]](list)
    all_settled = asyncio.Event()
    try:
        await declare(bus.jetstream, settings)
        harnesses = [StepHarness(bus, gemini, settings) for _ in STEPS]
        jobs = {}
        for step, harness in zip(STEPS, harnesses, strict=True):
            assert await harness.dispatch(step)
            consumer = await bus.jetstream.pull_subscribe_bind(durable=harness.consumer(step), stream=subjects.STEPS)
            for number in (1, 2):  # two executors that do not survive it
                (message,) = await consumer.fetch(1)
                await bus.append(subjects.events(named(harness.job)), began(step, number))
                await message.nak()
            await consumer.unsubscribe()
            jobs[message.metadata.sequence.stream] = harness.job

        async def on_message(message: Msg) -> None:
            tokens = message.subject.split(".")
            if tokens[0] == "facts" and tokens[-1] == KEY:
                heard[tokens[2]].append("outcome")
            elif tokens[0] == "dead":
                heard[tokens[7]].append("dead letter")
            elif message.subject.startswith("$JS.ACK.STEPS.") and message.data == b"+TERM":
                heard[jobs[int(tokens[5])]].append("term")
                if all("term" in heard[job] for job in jobs.values()):
                    all_settled.set()

        # all in one subscription: between several there is no order
        await bus.connection.subscribe(">", cb=on_message)
        await bus.connection.flush()

        async with Pipeline(settings, bus, gemini) as pipeline:
            for kind in ("classifier", "workers"):
                await pipeline.start(kind)
            async with asyncio.timeout(PATIENCE):
                await all_settled.wait()
            for harness in harnesses:
                outcome = await harness.outcome()
                assert outcome.failure is not None
                assert (outcome.failure.code, outcome.attempt) == ("poisoned", 3)
                assert heard[harness.job] == ["outcome", "dead letter", "term"]
            assert await gemini.calls() == []
            fresh = StepHarness(bus, gemini, settings)
            assert (await fresh.done(STEPS[0])).failure is None
    finally:
        await bus.connection.close()


DRAFT = next(step for step in STEPS if step.name == "draft")


@asynccontextmanager
async def handed_back(settings: Settings, gemini: Steering, times: int) -> AsyncIterator[StepHarness]:
    """DRAFT, delivered and handed back that often; two attempts are all that it has."""
    settings = settings.model_copy(update={"max_deliveries": 2})
    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        harness = StepHarness(bus, gemini, settings)
        await harness.dispatch(DRAFT)
        consumer = await bus.jetstream.pull_subscribe_bind(durable=harness.consumer(DRAFT), stream=subjects.STEPS)
        for _ in range(times):
            (message,) = await consumer.fetch(1)
            await message.nak()
        await consumer.unsubscribe()
        yield harness
    finally:
        await bus.connection.close()


async def test_what_a_poisoned_step_had_shown_is_taken_back(settings: Settings, gemini: Steering) -> None:
    """The attempt that died cannot say so itself."""
    async with handed_back(settings, gemini, times=2) as harness:
        for event in (
            began(DRAFT, 1),
            began(DRAFT, 2),
            EVENT.dump_json(PartStart(k=KEY, a=2, i="attempt-2", n=1, p="/out")),
            EVENT.dump_json(Delta(k=KEY, a=2, i="attempt-2", n=2, p="/out", t='"half a sen')),
        ):
            await harness.bus.append(subjects.events(named(harness.job)), event)
        assert await harness.streamed() == "half a sen"
        async with Pipeline(harness.settings, harness.bus, gemini) as pipeline:
            await pipeline.start("workers")
            outcome: Outcome = await harness.outcome()
            assert outcome.failure is not None
            assert await harness.streamed() is None
            assert isinstance((await harness.events())[-1], PartReset)


async def test_deliveries_that_begin_nothing_are_no_attempts(settings: Settings, gemini: Steering) -> None:
    """NATS gave the step out again and again while it could store nothing: nobody died of it."""
    async with (
        handed_back(settings, gemini, times=5) as harness,
        Pipeline(harness.settings, harness.bus, gemini) as pipeline,
    ):
        await pipeline.start("workers")
        outcome = await harness.outcome()
        assert (outcome.failure, outcome.attempt) == (None, 1)


async def test_a_step_message_that_cannot_be_read_fails_its_step(harness: StepHarness) -> None:
    """Nobody of ours writes such a one; were it not for its outcome, a job would wait for it for ever."""
    step = STEPS[0]
    other = harness.message(step).model_dump_json().encode()  # under another key than its subject's
    async with Settlements(harness.bus) as settlements:
        for key, body in (("no-json", b"no JSON"), ("other", other)):
            await harness.bus.once(harness.subject(step, key), body)
        await settlements.wait_for("TERM", 2)
    facts = await harness.bus.last_from_any_replica([subjects.journal(named(harness.job), "*")])
    outcomes = {fact.subject: Outcome.model_validate_json(fact.data) for fact in facts}
    assert set(outcomes) == {
        subjects.journal(named(harness.job), "no-json"),
        subjects.journal(named(harness.job), "other"),
    }
    assert {outcome.failure.code for outcome in outcomes.values() if outcome.failure} == {"step_error"}
    letters = [letter async for letter in harness.bus.history(f"dead.steps.*.*.*.*.*.{harness.job}.*")]
    assert [letter.headers[subjects.DEAD_REASON_HEADER] for letter in letters] == ["step_error", "step_error"]
    details = [letter.headers[subjects.DEAD_DETAIL_HEADER] for letter in letters]
    assert any(detail.startswith("the step message does not fit: body: Invalid JSON") for detail in details), details
