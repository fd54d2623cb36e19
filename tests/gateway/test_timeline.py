"""`GET /jobs/<id>/timeline`: when what of a job happened."""

from datetime import datetime
from typing import Any

from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502"}


async def timeline(gateway: GatewayServer, job: str) -> dict[str, Any]:
    found: dict[str, Any] = (await gateway.http.get(f"/jobs/{job}/timeline")).raise_for_status().json()
    return found


def in_order(*times: str) -> bool:
    moments = [datetime.fromisoformat(time) for time in times]
    return moments == sorted(moments)


async def test_each_step_has_its_times_in_order(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Submitted, run, dispatched, begun, first piece, end; the outcome's cost is in the attempt."""
    job = await pipeline.submit("routing", QUERY)
    await pipeline.result(job)
    found = await timeline(gateway, job)
    assert (found["id"], found["status"], found["truncated"]) == (job, "completed", False)
    assert [step["key"] for step in found["steps"]] == ["classify-1", "respond-1"]
    moments = [found["submittedAt"], *found["runs"]]
    for step in found["steps"]:
        (attempt,) = step["attempts"]
        moments += [step["dispatchedAt"], attempt["startedAt"], attempt["firstTokenAt"], attempt["endedAt"]]
        assert (attempt["end"], step["endedAt"]) == ("completed", attempt["endedAt"])
        assert attempt["usage"]["calls"] == 1
    assert in_order(*moments, found["endedAt"]), moments


async def test_attempts_end_as_they_did(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """One that is made again says why; one whose process went away was taken over; the last one is under way."""
    await pipeline.gemini.rule(step="respond", times=1, fault={"status": 503})
    await pipeline.gemini.rule(step="respond", times=1, reply={"hold": "killed"})
    await pipeline.gemini.rule(step="respond", times=1, reply={"hold": "second"})
    job = await pipeline.submit("routing", QUERY)
    await pipeline.gemini.wait(step="respond", count=2, job=job)
    await pipeline.stop("workers", grace=0)
    queued = next(one for one in (await timeline(gateway, job))["steps"] if one["key"] == "respond-1")
    assert "endedAt" not in queued
    await pipeline.start("workers")
    await pipeline.gemini.wait(step="respond", count=3, job=job)
    running = next(one for one in (await timeline(gateway, job))["steps"] if one["key"] == "respond-1")
    first, second, third = running["attempts"]
    assert (first["end"], first["code"], first["attempt"]) == ("retried", "model_unavailable", 1)
    assert second["end"] in ("taken_over", "cut_off")  # it had a moment to say what it cost
    assert "end" not in third
    assert in_order(running["dispatchedAt"], *(one["startedAt"] for one in (first, second, third)))
    await pipeline.gemini.release("second")
    await pipeline.result(job)
    ended = (await timeline(gateway, job))["steps"][1]
    assert [one["end"] for one in ended["attempts"]] == ["retried", second["end"], "completed"]


async def test_another_try_at_a_job_has_what_it_inherits(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Its classification was made by the first try, and has no attempt here."""
    await pipeline.gemini.rule(step="respond", times=1, fault={"status": 400})
    job = await pipeline.submit("routing", QUERY)
    await pipeline.failure(job)
    again = (await gateway.http.post(f"/jobs/{job}/retry")).json()["id"]
    await pipeline.result(again)
    classified, responded = (await timeline(gateway, again))["steps"]
    assert (classified["inherited"], classified["attempts"], "dispatchedAt" in classified) == (True, [], False)
    assert (responded["inherited"], len(responded["attempts"])) == (False, 1)
    assert (await timeline(gateway, job))["steps"][1]["attempts"][0]["code"] == "model_rejected"
    assert (await gateway.http.get("/jobs/nobody/timeline")).json()["code"] == "unknown_job"
