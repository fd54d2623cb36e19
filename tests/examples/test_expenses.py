"""The guide's project, `examples/expenses`, as `penstock up` runs it in its folder."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.patience import PATIENCE
from tests.support.repository import ROOT
from tests.support.simulator import BlockingSteering
from tests.system.cli.system import System, penstock

PROJECT = ROOT / "examples" / "expenses"


def receipt(cents: int, currency: str = "EUR") -> dict[str, Any]:
    return {"merchant": "Hotel Post", "day": "2026-03-03", "total": {"cents": cents, "currency": currency}}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("expenses")
    ledger = str(folder / "ledger.sqlite")
    with System(folder / "data", cwd=PROJECT, EXPENSES_LEDGER=ledger) as system:
        yield system


@pytest.fixture
def model(up: System) -> Iterator[BlockingSteering]:
    steering = BlockingSteering(up.simulator_url)
    yield steering
    steering.clear()


def result_of(up: System, pattern: str, *options: str) -> Any:
    ended = up.run("run", pattern, *options, cwd=PROJECT)
    assert ended.returncode == 0, ended.stderr + up.output()
    return json.loads(ended.stdout)


def test_nothing_is_wrong_with_it() -> None:
    checked = penstock("check", cwd=PROJECT)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout


def test_a_prompt_reads_a_receipt(up: System, model: BlockingSteering) -> None:
    model.rule(step="read", reply={"json": receipt(128_50)})
    assert result_of(up, "receipt", "--text", "Hotel Post, 128.50") == receipt(128_50)
    (call,) = model.calls(step="read")
    assert "Hotel Post, 128.50" in call.prompt


def test_a_function_converts_with_a_table_that_its_own_service_has_read(up: System) -> None:
    assert "rates-1" in up.processes()
    converted = result_of(up, "exchange", "--cents", "10800", "--currency", "USD", "--to", "EUR")
    assert converted == {"cents": 10000, "currency": "EUR"}
    ended = up.run("run", "exchange", "--cents", "1", "--currency", "EUR", "--to", "XXX", cwd=PROJECT)
    assert (ended.returncode, "There is no rate for 'XXX'." in ended.stderr) == (1, True), ended.stderr


def test_parts_are_read_and_converted_and_added_up(up: System, model: BlockingSteering) -> None:
    model.rule(step="read", key="receipt-2__read-1", reply={"json": receipt(100_00, "CHF")})
    model.rule(step="read", reply={"json": receipt(128_50)})
    result = result_of(up, "report", "--receipts", '["Hotel Post", "A night in Zurich"]')
    assert [one["cents"] for one in result["amounts"]] == [128_50, 106_38]
    assert result["total"] == {"cents": 234_88, "currency": "EUR"}


def test_an_agent_asks_a_function_and_an_mcp_server(up: System, model: BlockingSteering) -> None:
    calls = [
        {"name": "policy__allowance", "args": {"kind": "night"}},
        {"name": "exchange", "args": {"money": {"cents": 94_00, "currency": "CHF"}, "to": "EUR"}},
    ]
    model.rule(step="think", times=1, reply={"functionCalls": calls})
    model.rule(step="think", reply={"text": "Yes, all of it."})
    result = result_of(up, "clerk", "--problem", "Is a night for 94 francs paid back?")
    assert [one["result"] for one in result["steps"]] == [
        '{"result":"up to 140 EUR"}',
        '{"cents":10000,"currency":"EUR"}',
    ]
    assert (result["complete"], result["answer"]) == (True, "Yes, all of it.")


def test_a_large_claim_waits_until_somebody_has_spoken(up: System, model: BlockingSteering) -> None:
    """Whoever asks is told what for; what does not fit is refused; what is refused is not paid."""
    model.rule(step="read", reply={"json": receipt(200_01)})
    submitted = up.run("run", "claim", "--employee", "Ada", "--receipts", '["Hotel Post"]', "--detach", cwd=PROJECT)
    job = submitted.stdout.strip()
    http = httpx.Client(base_url=up.url("gateway"), timeout=PATIENCE)
    with http, http.stream("GET", f"/jobs/{job}/events") as events:
        waiting = next(json.loads(line[6:]) for line in events.iter_lines() if '"job.waiting"' in line)
        assert (waiting["signal"], waiting["bodySchema"]["required"]) == ("approval", ["approved", "reason"])
        refused = http.post(f"/jobs/{job}/signals/approval", json={"approved": "perhaps"})
        assert refused.status_code == 422
        given = http.post(f"/jobs/{job}/signals/approval", json={"approved": False, "reason": "Who was there?"})
        assert given.is_success, given.text
    ended = up.run("jobs", "follow", job, cwd=PROJECT)
    result = json.loads(ended.stdout)
    assert (result["approval"]["reason"], result["payment"]) == ("Who was there?", None)


def test_a_small_claim_is_paid_at_once(up: System, model: BlockingSteering) -> None:
    model.rule(step="read", reply={"json": receipt(200_00)})
    request = ("--employee", "Ada", "--receipts", '["Hotel Post"]', "--minutes-to-object", "0")
    assert result_of(up, "claim", *request)["payment"]["amount"] == {"cents": 200_00, "currency": "EUR"}


def test_each_example_completes_with_the_simulator(up: System) -> None:
    """What its fields give as examples, and as patterns, is followed; the large claim waits for its approval."""
    with httpx.Client(base_url=up.url("gateway"), timeout=PATIENCE, trust_env=False) as http:
        for pattern in ("receipt", "report", "exchange", "clerk", "claim"):
            example = http.get(f"/patterns/{pattern}").json()["example"]
            given = http.post(f"/{pattern}", json=example, headers={"Prefer": "respond-async"})
            job = given.raise_for_status().headers["X-Job-Id"]  # it may have ended by now
            if pattern == "claim":
                with http.stream("GET", f"/jobs/{job}/events") as events:
                    assert next(line for line in events.iter_lines() if '"job.waiting"' in line)
                http.post(f"/jobs/{job}/signals/approval", json={"approved": True, "reason": "I was there."})
            with http.stream("GET", f"/jobs/{job}/events") as events:
                ended = [line for line in events.iter_lines() if line.startswith("event: job.")][-1]
            assert ended == "event: job.completed", (pattern, http.get(f"/jobs/{job}").text)
