"""What a newer release has written, and an older replica cannot read, is left to a newer replica: nothing fails."""

from pathlib import Path

import httpx
import pytest

from penstock.jetstream import subjects
from tests.faults.fault_harness import checked
from tests.support.settling import Settlements
from tests.system.upgrade import releases
from tests.system.upgrade.releases import AFTER, TODAY
from tests.system.upgrade.rollout import Rollout

#: A request, a step's input and its output have a field more, which models of today refuse.
_CHANGES = {
    "penstock/patterns/routing/contract.py": {
        "class Classification(Wire):": "class Classification(Wire):\n"
        '    mood: str = Field(description="Of the customer.")',
        "class ClassifyInput(Wire):": "class ClassifyInput(Wire):\n    tone: str | None = omitted()",
        "class RoutingRequest(PatternRequest):": "class RoutingRequest(PatternRequest):\n"
        '    tone: str | None = omitted(description="How it is to be answered.")',
    },
    "penstock/patterns/routing/pattern.py": {
        "contract.ClassifyInput(query=query)": "contract.ClassifyInput(query=query, tone=request.tone)"
    },
}


@pytest.mark.long
async def test_older_replicas_leave_it_to_newer_ones(rollout: Rollout, tmp_path: Path) -> None:
    """A job, a step and a fact: each is offered to an older replica while there is no newer one."""
    newer = releases.after(tmp_path / "after", _CHANGES)
    await rollout.declare(newer)
    await rollout.gateway(newer, 0)
    async with Settlements(rollout.bus) as settlements:
        aggregator, classifier, worker = await rollout.serve(TODAY, "aggregator", "classifier", "workers")
        job = await _submitted(rollout, query="Why?", tone="friendly")
        await settlements.wait_for("NAK", stream=subjects.JOBS)
        (replacing,) = await rollout.serve(newer, "aggregator")
        await settlements.wait_for("NAK", consumer="classifier=routing=classify")
        await rollout.serve(newer, "classifier")
        await settlements.wait_for("NAK", consumer="workers=routing=respond")
        await rollout.serve(newer, "workers")
        assert "mood" in checked(await rollout.followed(job))["classification"]
        await rollout.end([classifier, worker, replacing])
        before = len(settlements.of("NAK", subjects.JOBS))
        job = await _submitted(rollout, query="Why then?")
        await settlements.wait_for("NAK", before + 1, stream=subjects.JOBS)
        await rollout.serve(newer, "aggregator")
        assert "mood" in checked(await rollout.followed(job))["classification"]
    assert len(await rollout.gemini.calls()) == 4
    assert not settlements.of("TERM") + settlements.of("TERM", subjects.JOBS)
    said = [
        (
            replica.log_file.read_text().count("of a newer release cannot be read here"),
            what in replica.log_file.read_text(),
        )
        for replica, what in (
            (aggregator, "the fact 'classify-1' of"),
            (classifier, "step classify of routing of"),
            (worker, "step respond of routing of"),
        )
    ]
    assert said == [(2, True), (1, True), (1, True)]
    assert f'"version": "{TODAY.name}"' in aggregator.log_file.read_text()


async def _submitted(rollout: Rollout, **request: str) -> str:
    async with httpx.AsyncClient(base_url=rollout.gateways[0]) as http:
        answer = await http.post("/routing", json=request, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
        health = await http.get("/readyz")
        assert health.headers["Penstock-Version"] == AFTER
        return str(answer.json()["id"])
