"""A NATS server with a user for each service, and what takes more than the patterns that there are."""

import asyncio
from pathlib import Path

import pytest

from penstock.local.declared import declare_streams
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway
from tests.support.patience import PATIENCE
from tests.support.pipeline import pipeline_of
from tests.support.secured import as_user, configured, identity, refusals, secured
from tests.support.simulator import Steering


async def test_models_have_permits_that_the_operator_declares(
    tmp_path: Path, gemini: Steering, gemini_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """`penstock streams` does: a service that may make a consumer could have it lead messages anywhere."""
    folder, limits = tmp_path / "limited", '{"*": {"concurrent": 2}}'
    configured(folder, PENSTOCK_MODEL_LIMITS=limits)
    async with secured(folder, tmp_path) as server:
        limited = Settings(nats_url=server.url, model_base_url=gemini_url, model_limits=limits, port=0, ack_wait=3)
        await declare_streams(as_user(limited, folder, "operator"))
        async with pipeline_of(as_user(limited, folder, "operator"), gemini) as pipeline:
            for kind in ("aggregator", "classifier", "workers"):
                await pipeline.start(kind, **identity(folder, kind))
            jobs = [await pipeline.submit("parallel-processing", {"code": f"print({n})"}) for n in range(4)]
            for job in jobs:
                await pipeline.result(job)
    assert refusals(caplog) == []


async def test_a_job_sleeps_waits_and_is_answered(
    tmp_path: Path, gemini: Steering, gemini_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a pattern of an author's: timers of NATS, a signal through the gateway, and a job that is parked."""
    folder, named = tmp_path / "own", "tests.authors.reminding:PATTERN"
    configured(folder, PENSTOCK_PATTERNS=named)
    async with secured(folder, tmp_path) as server:
        own = Settings(nats_url=server.url, model_base_url=gemini_url, patterns=(named,), port=0, ack_wait=3)
        async with pipeline_of(as_user(own, folder, "operator"), gemini) as pipeline:
            for kind in ("aggregator", "workers"):
                await pipeline.start(kind, **identity(folder, kind))
            async with serving_gateway(as_user(own, folder, "gateway")) as gateway:
                job = await pipeline.submit("reminding", {"sleeps": [1], "timeouts": [1, 60], "notes": 1})
                async with asyncio.timeout(PATIENCE):
                    while not await pipeline.bus.last_from_leader(f"journal.default.{job}.wait.*"):
                        await asyncio.sleep(0.05)
                said = await gateway.http.post(f"/jobs/{job}/signals/answer", json={"text": "yes"})
                assert said.status_code < 300, said.text
                assert (await pipeline.result(job))["answer"] == "yes"
    assert refusals(caplog) == []
