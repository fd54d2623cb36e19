"""Short words for these tests."""

from dataclasses import replace

from penstock.contracts.wire import JobName
from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from penstock.steps.claims import Claim
from penstock.steps.replies import Replies
from tests.support.simulator import Steering

QUERY = {"query": "Our API answers 502 since the deploy"}


def of_tenant(bus: Bus, settings: Settings, tenant: str) -> Replies:
    replies = Replies.of(bus, settings, JobName(tenant, "job"), "key")
    assert replies is not None
    return replies


def asked_by(replies: Replies, number: int) -> Replies:
    """Those of another step."""
    return replace(replies, own=Claim(JobName("default", "job"), f"key-{number}"))


async def calls(steering: Steering) -> int:
    return (await steering.stats()).calls
