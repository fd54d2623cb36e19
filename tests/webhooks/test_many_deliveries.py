"""Many webhooks at once: a receiver that hangs delays no other's."""

import pytest

from penstock.contracts.webhook import Hook
from penstock.jetstream import subjects
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.webhooks.hooked_jobs import asking, ended, verified
from tests.webhooks.receiver import Receiver


@pytest.mark.parametrize(("slots", "per_host"), [(256, 16), (4, 2)])
async def test_hanging_receivers_of_one_host_delay_no_other(pipeline: Pipeline, slots: int, per_host: int) -> None:
    """200 of them: their host has its slots and no more, and what waits for these waits at the server."""
    await pipeline.stop("aggregator")
    await pipeline.start(
        "aggregator", webhook_slots=slots, webhook_slots_per_host=per_host, webhook_timeout=600, grace=0.1
    )
    async with Receiver(0) as hanging, Receiver(host="127.0.0.2") as well:
        for number in range(201):
            job = f"job-{number}"
            url = well.url if number == 200 else hanging.url
            await ended(pipeline.bus, job, "routing")
            await pipeline.bus.append(subjects.hook(named(job)), Hook(url=url).model_dump_json().encode())
        await well.until(1)
        await hanging.until(per_host)
        assert len(hanging.received) == per_host
        await pipeline.stop("aggregator")


async def test_200_hosts_that_hang_delay_no_other(pipeline: Pipeline) -> None:
    """At the defaults there are more slots than that."""
    names = [f"127.0.1.{number}" for number in range(1, 201)]
    await pipeline.stop("aggregator")
    allowed = ("127.0.0.1:*", *(f"{name}:*" for name in names))
    await pipeline.start("aggregator", webhook_allowed_hosts=allowed, webhook_timeout=600, grace=0.1)
    async with Receiver(0, host="0.0.0.0") as hanging, Receiver() as well:
        for name in names:
            await ended(pipeline.bus, name.replace(".", "-"), "routing")
            hook = Hook(url=f"http://{name}:{hanging.port}/").model_dump_json().encode()
            await pipeline.bus.append(subjects.hook(named(name.replace(".", "-"))), hook)
        await hanging.until(200)
        job = await pipeline.submit("routing", asking(well.url))
        (one,) = await well.until(1)
        assert verified(one)["data"]["id"] == job
        await pipeline.stop("aggregator")


async def test_what_found_its_host_busy_is_delivered_later(pipeline: Pipeline) -> None:
    """It uses up no try."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", webhook_slots_per_host=1, webhook_retry_delays=(3600,))
    async with Receiver() as receiver:
        for number in range(20):
            await ended(pipeline.bus, f"job-{number}", "routing")
            hook = Hook(url=receiver.url).model_dump_json().encode()
            await pipeline.bus.append(subjects.hook(named(f"job-{number}")), hook)
        received = await receiver.until(20)
    assert len({one.headers["webhook-id"] for one in received}) == 20
