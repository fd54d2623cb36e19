"""What a key may spend is its own: over HTTP, in every job that was submitted with it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from penstock import jobs
from penstock.budgets.pots import Pot, pots_of
from penstock.callers.caller import Limits
from penstock.callers.keys import NewKey
from penstock.contracts.budgets import PayingKey
from penstock.contracts.events import JobCompleted, JobFailed
from penstock.contracts.wire import JobName
from penstock.jetstream.counters import add, value
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.keys import bearer, new_key
from tests.support.naming import named
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering

BODY = {"query": "Where is my order?"}
AT_ONCE = {"Prefer": "respond-async"}


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    settings = settings.model_copy(update={"budgets": Settings(budgets="default=1000000tokens/day").budgets})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        yield pipeline


async def may_spend(pipeline: Pipeline, *budgets: str) -> NewKey:
    return await new_key(pipeline.bus, limits=Limits(rate="none", budgets=budgets))


async def post(gateway: GatewayServer, made: NewKey, path: str = "/routing", body: Any = BODY) -> str:
    answer = await gateway.http.post(path, json=body, headers=AT_ONCE | bearer(made))
    assert answer.status_code == 202, answer.text
    return str(answer.headers["x-job-id"])


async def code_of(pipeline: Pipeline, job: str) -> str:
    """Of its failure; "" where there is none."""
    end = (await pipeline.events(job))[-1]
    assert isinstance(end, JobCompleted | JobFailed)
    return end.problem.code if isinstance(end, JobFailed) else ""


def pots(pipeline: Pipeline, made: NewKey, tenant: str = "default") -> list[Pot]:
    paying = made.key.caller().paying_key
    return pots_of(pipeline.settings, JobName(tenant, "x"), None, paying, pipeline.bus.time.now())


async def test_a_job_is_paid_by_its_key_and_by_its_tenant(pipeline: Pipeline, gemini: Steering) -> None:
    """To the token; a key whose budget is too small for a call has none made, while its tenant has plenty."""
    rich = await may_spend(pipeline, "100000tokens/day", "10usd/month")
    poor = await may_spend(pipeline, "100tokens/day")
    async with serving_gateway(pipeline.settings) as gateway:
        assert await code_of(pipeline, await post(gateway, rich)) == ""
        refused = await post(gateway, poor)
        assert await code_of(pipeline, refused) == "budget_exceeded"
    sent = sum(call.usage.total_token_count or 0 for call in await gemini.calls() if call.usage)
    assert await gemini.calls(job=refused) == []
    tenants, keys, dollars = pots(pipeline, rich)
    assert await value(pipeline.bus, tenants.spent) == await value(pipeline.bus, keys.spent) == sent > 0
    assert await value(pipeline.bus, dollars.spent) > 0


async def test_a_keys_spent_budget_refuses_its_submissions(pipeline: Pipeline) -> None:
    """402; another key of the tenant goes on."""
    spent, other = await may_spend(pipeline, "1000tokens/day"), await may_spend(pipeline)
    await add(pipeline.bus, pots(pipeline, spent)[-1].spent, 1_000)
    async with serving_gateway(pipeline.settings) as gateway:
        answer = await gateway.http.post("/routing", json=BODY, headers=AT_ONCE | bearer(spent))
        assert (answer.status_code, answer.json()["code"]) == (402, "budget_exceeded")
        assert f"the budget of the key {spent.key.id}" in answer.json()["detail"]
        await post(gateway, other)


async def test_another_try_is_paid_by_whoever_asks_for_it(pipeline: Pipeline) -> None:
    """Where that is nobody's key, as over NATS, it is the one that the job was submitted with."""
    poor, rich = await may_spend(pipeline, "100tokens/day"), await may_spend(pipeline)
    async with serving_gateway(pipeline.settings) as gateway:
        first = await post(gateway, poor)
        assert await code_of(pipeline, first) == "budget_exceeded"
        second = await jobs.retry(pipeline.bus, named(first))
        assert second is not None
        assert await code_of(pipeline, second.id) == "budget_exceeded"
        assert await code_of(pipeline, await post(gateway, rich, f"/jobs/{second.id}/retry", None)) == ""


async def test_who_names_another_tenants_key_spends_nothing_of_it(pipeline: Pipeline) -> None:
    """Callers over NATS write the headers of their jobs themselves. What is no key is none."""
    made = await may_spend(pipeline, "1000tokens/day")
    assert pots(pipeline, made)[-1].name != pots(pipeline, made, "other")[-1].name
    for wrong in ("", "x", '{"id": "a.b"}', '{"id": "a", "budgets": ["much"]}'):
        assert jobs.submission.paying_key({"Penstock-Key": wrong}) is None
    assert jobs.submission.paying_key({"Penstock-Key": '{"id": "a", "newer": 1}'}) == PayingKey(id="a")


def test_of_two_budgets_for_one_window_the_smaller_counts() -> None:
    """They are one counter: a call is not added to it twice."""
    settings = Settings(budgets="acme=20usd/month,acme=10usd/month,acme=5usd/day")
    key = PayingKey(id="a", budgets=("2000tokens/day", "1000tokens/day", "3000tokens/day"))
    found = pots_of(settings, JobName("acme", "x"), None, key, 0)
    assert [one.told(one.limit) for one in found] == [10, 5, 1_000]
