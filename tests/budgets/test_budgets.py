"""What may be spent is not overrun, by whomever and however many at once."""

import asyncio
import json

import pytest
from pydantic import ValidationError

from penstock.budgets.pots import Pot, pots_of
from penstock.budgets.purse import Purse
from penstock.contracts.events import JobCompleted, JobFailed
from penstock.contracts.options import Budget
from penstock.contracts.usage import Usage
from penstock.errors import Failure, Misconfigured
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.counters import add, value
from penstock.jetstream.streams import declare
from penstock.jobs.submission import new_job_id
from penstock.llm.usage import Meter
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway
from tests.support.naming import named
from tests.support.pipeline import pipeline_of
from tests.support.simulator import Steering

BODY = {"query": "Where is my order?"}
MODEL = "gemini-3.8-flash"


def pot(limit: int) -> Pot:
    return Pot("the budget of the test", "tokens", limit, "test")


async def test_twenty_jobs_at_once_never_overrun_a_tenants_budget(settings: Settings, gemini: Steering) -> None:
    """On two workers, forty jobs: some are done, the others fail as the budget is spent."""
    limit = 30_000
    settings = settings.model_copy(update={"budgets": Settings(budgets=f"*={limit}tokens/day").budgets})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers", "workers") as pipeline:
        submitted = [await pipeline.submit("routing", {"query": f"Where is order {one}?"}) for one in range(40)]
        ends = [(await pipeline.events(job))[-1] for job in submitted]
        codes = {end.problem.code for end in ends if isinstance(end, JobFailed)}
        done = sum(isinstance(end, JobCompleted) for end in ends)
        calls = await gemini.calls()
        sent = sum(call.usage.total_token_count for call in calls if call.usage)
        print(f"{done} of {len(ends)} jobs done, {sent} of {limit} tokens, {len(calls)} calls")
        assert sent <= limit
        assert done > 0
        assert codes == {"budget_exceeded"}
    # what is left is too little for a call, but not nothing
    assert sent > limit / 3


async def test_many_that_hold_at_once_hold_no_more_than_there_is(bus: Bus) -> None:
    """Each spends all it holds: the limit is met to the token, and not exceeded."""
    spent = 0
    purse = Purse(bus, [pot(100_000)])

    async def call() -> None:
        nonlocal spent
        meter = Meter()
        async with purse.paying(100, 4_000, MODEL, meter) as output:
            await asyncio.sleep(0)
            meter.add(Usage(calls=1, prompt_tokens=100, output_tokens=output), MODEL)
            spent += 100 + output

    results = await asyncio.gather(*(call() for _ in range(60)), return_exceptions=True)
    refused = [one for one in results if one is not None]
    assert all(isinstance(one, Failure) and one.code == "budget_exceeded" for one in refused)
    assert refused
    assert 100_000 - 1_124 < spent <= 100_000
    assert await value(bus, pot(0).spent) == await value(bus, pot(0).held) == spent


async def test_what_a_call_does_not_spend_is_given_back(bus: Bus) -> None:
    """One that was refused by the model has cost nothing, one that was cut off without a word all it held."""
    purse = Purse(bus, [pot(50_000)])
    async with purse.paying(500, 2_000, MODEL, Meter()):
        assert await value(bus, pot(0).held) == 2_500
    assert await value(bus, pot(0).held) == 0
    meter = Meter()
    async with purse.paying(500, 2_000, MODEL, meter):
        meter.cut_off(MODEL)
    assert (await value(bus, pot(0).held), await value(bus, pot(0).spent)) == (2_500, 2_500)


async def test_a_call_waits_for_what_others_hold_and_may_give_back(bus: Bus) -> None:
    purse = Purse(bus, [pot(10_000)])
    entered = asyncio.Event()

    async def second() -> None:
        async with purse.paying(500, 8_000, MODEL, Meter()):
            entered.set()

    async def additions() -> int:
        stored = await bus.last_from_leader(pot(0).held)
        return stored.sequence if stored else 0

    async with purse.paying(1_500, 8_192, MODEL, Meter()):
        waiting = asyncio.create_task(second())
        while await additions() < 3:  # until it has held too much, and given it back
            await asyncio.sleep(0.01)
        assert not entered.is_set()
    await waiting


async def test_a_jobs_own_budget_fails_the_step_that_might_exceed_it(settings: Settings, gemini: Steering) -> None:
    """No call is made that could; the same request with more is done."""
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        job = await pipeline.submit("routing", BODY | {"options": {"budget": {"tokens": 100}}})
        failure = await pipeline.failure(job)
        assert (failure.problem.code, failure.problem.status) == ("budget_exceeded", 402)
        assert await gemini.calls(job=job) == []
        await pipeline.run("routing", BODY | {"options": {"budget": {"tokens": 50_000, "usd": 1}}})


async def test_a_spent_budget_refuses_a_submission(settings: Settings, gemini: Steering) -> None:
    """402, over HTTP, before there is a job; another tenant's is another."""
    settings = settings.model_copy(update={"budgets": Settings(budgets="default=1000tokens/month").budgets})
    async with pipeline_of(settings, gemini) as pipeline, serving_gateway(settings) as gateway:
        (own,) = pots_of(settings, named("x"), None, None, pipeline.bus.time.now())
        await add(pipeline.bus, own.spent, 1_000)
        answer = await gateway.http.post("/routing", json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (402, "budget_exceeded")
        assert json.loads((await gateway.http.get("/jobs")).content)["jobs"] == []


async def test_jobs_with_budgets_make_no_tenants_budget_new(settings: Settings) -> None:
    """However many there are: a stream that is full drops what was added to longest ago."""
    budgets = Settings(budgets="*=1usd/month").budgets
    settings = settings.model_copy(update={"store_bytes": 64 * 1024**2, "budgets": budgets})
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    (own,) = pots_of(settings, named("x"), None, None, bus.time.now())
    await add(bus, own.held, own.limit)

    async def spend() -> None:
        *_, jobs_own = pots_of(settings, named(new_job_id()), Budget(tokens=10_000), None, bus.time.now())
        meter = Meter()
        async with Purse(bus, [jobs_own]).paying(100, 4_000, MODEL, meter):
            meter.add(Usage(calls=1, prompt_tokens=100, output_tokens=900), MODEL)

    for _ in range(16):
        await asyncio.gather(*(spend() for _ in range(100)))
    assert await value(bus, own.held) == own.limit
    await bus.connection.close()


async def test_a_reply_that_is_cut_off_is_asked_for_again_while_there_is_enough(
    settings: Settings, gemini: Steering
) -> None:
    """A call gets a part of what is left: that it was too little is not the budget's end."""
    await gemini.rule(step="respond", times=1, reply={"text": '{"response":"' + "on and on " * 16_000})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        await pipeline.run("routing", BODY | {"options": {"budget": {"tokens": 100_000}}})


@pytest.mark.parametrize("tokens", [True, "5", 0, 1.5])
def test_a_jobs_budget_is_a_number(tokens: object) -> None:
    with pytest.raises(ValidationError, match="tokens"):
        Budget.model_validate_json(json.dumps({"tokens": tokens}))


@pytest.mark.parametrize(
    "text", ["20usd/month", "a=20eur/month", "a=20usd/year", "a=0usd/day", "a=0.5tokens/day", "A=1usd/day"]
)
def test_a_budget_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(Misconfigured, match="PENSTOCK_BUDGETS"):
        Settings(budgets=text)


async def test_a_reply_that_would_go_on_stops_at_what_the_budget_allows(settings: Settings, gemini: Steering) -> None:
    """The model is told where to stop, so that it is not asked for more than is held; once, as it would stop again."""
    await gemini.rule(step="respond", reply={"text": '{"response":"' + "on and on " * 6_000})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        job = await pipeline.submit("routing", BODY | {"options": {"budget": {"tokens": 9_000}}})
        failure = await pipeline.failure(job)
        assert failure.problem.code == "budget_exceeded", failure
    calls = [call for call in await gemini.calls(job=job) if call.usage]
    assert sum(call.usage.total_token_count for call in calls if call.usage) <= 9_000
    assert sum(call.step == "respond" for call in calls) == 1
