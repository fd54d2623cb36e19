"""That 80 % of a budget is spent is told once, like the end of a job."""

import asyncio

import pytest

from penstock.budgets.pots import Pot, pots_of
from penstock.budgets.purse import Purse
from penstock.client.dead_letters import DeadLetters
from penstock.contracts.budgets import PayingKey
from penstock.contracts.usage import Usage
from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.counters import add, value
from penstock.llm.usage import Meter
from penstock.settings import Settings
from penstock.webhooks.admission import check_budget_webhook
from tests.support.naming import named
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering
from tests.webhooks.conftest import SECRET
from tests.webhooks.hooked_jobs import verified
from tests.webhooks.receiver import Receiver

MODEL = "gemini-3.8-flash"
BODY = {"query": "Where is my order?"}


def pots(pipeline: Pipeline, budgets: str, *key: str) -> list[Pot]:
    paying = PayingKey(id="of-a-shop", budgets=key) if key else None
    return pots_of(Settings(budgets=budgets), named("x"), None, paying, pipeline.bus.time.now())


async def spend(pipeline: Pipeline, paid: list[Pot], receiver: Receiver, *, times: int) -> None:
    """So many calls of 1,000 tokens at once, each of another process's purse."""

    async def call() -> None:
        meter = Meter()
        async with Purse(pipeline.bus, paid, receiver.url).paying(500, 1_000, MODEL, meter):
            meter.add(Usage(calls=1, prompt_tokens=500, output_tokens=500), MODEL)

    await asyncio.gather(*(call() for _ in range(times)))


async def queued(pipeline: Pipeline) -> int:
    """How many webhooks there ever were."""
    return (await pipeline.bus.jetstream.stream_info(subjects.HOOKS)).state.last_seq


async def test_the_call_that_reaches_80_percent_is_told_of(settings: Settings, gemini: Steering) -> None:
    """By the worker, to the receiver of the settings; it is tried again, with the same id and body."""
    async with Receiver(500, 204) as receiver:
        budgets = Settings(budgets="default=100000tokens/month").budgets
        changed = {"budget_webhook": receiver.url, "budgets": budgets, "webhook_retry_delays": (0.5,) * 200}
        settings = settings.model_copy(update=changed)
        async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
            (own,) = pots(pipeline, "default=100000tokens/month")
            for counter in (own.spent, own.held):
                await add(pipeline.bus, counter, 79_999)
            await pipeline.run("routing", BODY)
            first, second = await receiver.until(2)
            assert await queued(pipeline) == 1
    told = verified(second)
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert second.headers["webhook-id"] == f"default_budget=tokens={own.window}"
    assert told.keys() == {"type", "timestamp", "data"}
    assert told["type"] == "budget.warning"
    assert 80_000 <= told["data"].pop("spent") < 100_000
    assert told["data"] == {
        "tenant": "default",
        "budget": "tenant",
        "unit": "tokens",
        "window": own.window,
        "limit": 100_000,
    }


async def test_it_is_told_once_of_each_budget_however_many_calls_go_on(settings: Settings, gemini: Steering) -> None:
    """Of the tenant's and its key's; what is spent of a job's is not told."""
    async with pipeline_of(settings, gemini, "aggregator") as pipeline, Receiver() as receiver:
        paid = [*pots(pipeline, "*=100000tokens/day", "100000tokens/day"), Pot("of a job", "tokens", 100_000, "job.x")]
        await spend(pipeline, paid, receiver, times=79)
        assert await queued(pipeline) == 0
        await spend(pipeline, paid, receiver, times=9)
        told = [verified(one)["data"] for one in await receiver.until(2)]
        found = [await value(pipeline.bus, one.warned) for one in paid]
        await spend(pipeline, paid, receiver, times=5)
        assert await queued(pipeline) == 2
        # and not because the stream knew the messages' ids: nobody tried
        assert [await value(pipeline.bus, one.warned) for one in paid] == found
        assert (found[0] > 0, found[1] > 0, found[2]) == (True, True, 0)
    assert sorted((one["budget"], one.get("key")) for one in told) == [("key", "of-a-shop"), ("tenant", None)]


async def test_what_a_killed_process_did_not_tell_the_next_call_does(settings: Settings, gemini: Steering) -> None:
    async with pipeline_of(settings, gemini, "aggregator") as pipeline, Receiver() as receiver:
        (own,) = pots(pipeline, "*=1usd/day")
        await add(pipeline.bus, own.spent, 900_000_000)  # of a dollar, that process got as far as this
        await spend(pipeline, [own], receiver, times=1)
        (told,) = await receiver.until(1)
    assert 0.9 < verified(told)["data"]["spent"] < verified(told)["data"]["limit"] == 1


async def test_a_warning_that_cannot_be_queued_keeps_nothing_held(settings: Settings, gemini: Steering) -> None:
    """Of any of the budgets; it is told after the next call that can."""
    async with pipeline_of(settings, gemini) as pipeline:
        paid = pots(pipeline, "*=10000tokens/day", "10000tokens/day")
        await pipeline.bus.jetstream.delete_stream(subjects.HOOKS)
        meter = Meter()
        async with Purse(pipeline.bus, paid, "https://hooks.example/").paying(500, 9_000, MODEL, meter):
            meter.add(Usage(calls=1, prompt_tokens=500, output_tokens=7_600), MODEL)
        for one in paid:
            counters = [await value(pipeline.bus, counter) for counter in (one.held, one.spent, one.warned)]
            assert counters == [8_100, 8_100, 0]


async def test_a_dead_letter_of_it_is_sent_again(settings: Settings, gemini: Steering) -> None:
    """It has all that it tells: no job's end is looked for."""
    async with pipeline_of(settings, gemini, "aggregator") as pipeline, Receiver(410, 204) as receiver:
        heard = await pipeline.bus.connection.subscribe("dead.hooks.>")
        await pipeline.bus.connection.flush()
        (own,) = pots(pipeline, "*=10000tokens/day")
        await add(pipeline.bus, own.spent, 8_000)
        await spend(pipeline, [own], receiver, times=1)
        (first,) = await receiver.until(1)
        await heard.next_msg(10)
        letters = DeadLetters(pipeline.bus)
        (letter,) = [one async for one in letters.all(subject="hooks.>")]
        assert await letters.replay(letter) == (f"budget=tokens={own.window}", True)
        _, second = await receiver.until(2)
    assert first.body == second.body


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook_secret": None},
        {"budget_webhook": "http://hooks.example/"},
        {"budget_webhook": "https://10.1.2.3/"},
    ],
)
def test_what_could_not_be_delivered_is_said_at_start(changed: dict[str, str | None]) -> None:
    fitting = {"webhook_secret": SECRET, "budget_webhook": "https://hooks.example/"}
    check_budget_webhook(Settings(**fitting))  # type: ignore[arg-type]
    with pytest.raises(Misconfigured, match="PENSTOCK_BUDGET_WEBHOOK"):
        check_budget_webhook(Settings(**fitting | changed))  # type: ignore[arg-type]
