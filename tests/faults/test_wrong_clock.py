"""A machine whose clock is an hour off: its replicas do right by every job, and say so."""

from pathlib import Path

import httpx
import pytest

from penstock.local.process import Process
from penstock.local.stack import PENSTOCK
from tests.support.pipeline import Pipeline

CLOCK_AHEAD = Path(__file__).parents[1] / "support" / "clock_ahead"


@pytest.mark.parametrize("kind", ["aggregator", "workers"])
@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_deadlines_are_the_servers(tmp_path: Path, pipeline: Pipeline, kind: str, seconds: int) -> None:
    """Jobs have 900 seconds. None is ended early or late, and the replica is not ready."""
    await pipeline.stop(kind)
    replica = Process(
        kind,
        [*PENSTOCK, "serve", kind],
        env={
            "PENSTOCK_NATS_URL": pipeline.settings.nats_url,
            "PENSTOCK_PORT": "0",
            "PENSTOCK_MODEL_BASE_URL": pipeline.settings.model_base_url or "",
            "PYTHONPATH": str(CLOCK_AHEAD),
            "CLOCK_AHEAD": str(seconds),
        },
        log_file=tmp_path / "replica.log",
    )
    await replica.start()
    try:
        assert await pipeline.run("routing", {"query": "Our API answers 502 since the deploy"})
        job = await pipeline.submit("routing", {"query": "when?", "options": {"deadlineSeconds": 0.001}})
        assert (await pipeline.failure(job)).problem.code == "deadline_exceeded"
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{replica.url}/readyz")
        assert answer.status_code == 503
        assert f"{seconds:+} s off" in answer.text
    finally:
        await replica.stop(grace=10)
