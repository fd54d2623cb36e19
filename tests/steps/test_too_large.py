"""An output that no message can hold fails its step, and what was shown of it is taken back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.contracts.events import PartReset
from penstock.local import nats_server
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer

#: Each of these characters takes six bytes in JSON, so that a model's longest reply is more than a message can hold.
CONTROL = "\x01" * 250_000


@pytest.fixture
async def nats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NatsServer]:
    """A server that takes messages of hardly more than 1 MB, the least that a service wants."""
    monkeypatch.setattr(nats_server, "MAX_PAYLOAD", 1_200_000)
    async with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"max_body": 100_000, "model_max_output_tokens": 100_000, "flush_interval": 5, "ack_wait": 30}
    )


async def test_an_output_that_no_message_can_hold_fails_its_step(pipeline: Pipeline) -> None:
    """Although all of it goes out at once: what is shown of it is cut into messages. It is paid once."""
    await pipeline.gemini.rule(step="draft", reply={"text": CONTROL})
    job = await pipeline.submit("sequential-processing", {"input": "a lantern"})
    failed = await pipeline.failure(job)
    assert (failed.problem.code, failed.problem.step) == ("output_too_large", "draft-1")
    assert [event.p for event in await pipeline.events(job) if isinstance(event, PartReset)] == ["/originalContent"]
    assert len(await pipeline.gemini.calls(job=job)) == 1
