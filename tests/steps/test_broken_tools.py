"""A tool that does not work is not the model's fault, nor the job's: its error says what it is."""

import sys

import pytest

from tests.support.pipeline import Pipeline


async def test_a_tool_that_cannot_start_fails_its_step_and_the_model_is_told(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's child has no interpreter: three deliveries, then `tool_unavailable`; the model goes on without."""
    await pipeline.stop("workers")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    await pipeline.start("workers")
    job = await pipeline.submit("multi-step-tool-usage", {"problem": "What is 12 * (3 + 4)?"})
    result = await pipeline.result(job)
    calls = {key: outcome for key, outcome in (await pipeline.outcomes(job)).items() if key.startswith("call-")}
    assert calls
    for outcome in calls.values():
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.attempt) == ("tool_unavailable", 3)
    assert result["steps"][0]["result"].startswith("error: ")
