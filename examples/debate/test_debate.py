"""The debate by itself, and on the whole system: `pytest examples/debate`."""

import asyncio

import pytest

from examples.debate.pattern import PATTERN, ArgueInput, DebateRequest, Round, Verdict
from penstock import Failure
from penstock.testing import PatternTest
from penstock.testing.system import System

pytest_plugins = ["penstock.testing.fixtures"]

REQUEST = DebateRequest(motion="Tea is better than coffee")
VERDICT = Verdict(winner="contra", reasoning="It was never answered.", open_questions=("How much of it?",))


def speech(given: ArgueInput) -> str:
    return f"{given.side} in round {len(given.heard) + 1}"


DEBATE = PatternTest(PATTERN, steps={"argue": speech, "judge": VERDICT})


def test_each_side_has_heard_the_other_before_it_speaks_again() -> None:
    run = asyncio.run(DEBATE.run(REQUEST))
    assert run.result.rounds[0] == Round(pro="pro in round 1", contra="contra in round 1")
    assert run.result.verdict == VERDICT
    assert "contra in round 1" in run.steps["pro-2"].prompt
    assert "contra in round 1" not in run.steps["pro-1"].prompt


def test_a_debate_that_nobody_judges_has_failed() -> None:
    run = asyncio.run(DEBATE.run(REQUEST, steps={"judge": Failure("model_blocked", "The motion is refused.")}))
    assert run.failure is not None
    assert run.failure.code == "model_blocked"
    assert run.text.startswith('{"rounds":[{"pro":"pro in round 1",')


@pytest.fixture(scope="session")
def penstock_patterns() -> list[str]:
    return ["examples.debate.pattern:PATTERN"]


def test_the_whole_system_runs_it(penstock_system: System) -> None:
    penstock_system.simulator.answer("judge", VERDICT)
    result = penstock_system.client.run(PATTERN, REQUEST)
    assert result.verdict == VERDICT
    assert len(penstock_system.simulator.calls(step="argue")) == 4
