"""The simulator of a system under test is steered without `async`."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from examples.debate.pattern import Verdict
from penstock.testing.simulator import Simulator

VERDICT = Verdict(winner="pro", reasoning="So.", open_questions=())


@pytest.fixture
def simulator(gemini_url: str) -> Iterator[Simulator]:
    with closing(Simulator(gemini_url)) as simulator:
        yield simulator


def asked(url: str, step: str = "judge", key: str = "judge-1") -> httpx.Response:
    """As a worker asks."""
    return httpx.post(
        f"{url}/v1beta/models/one:generateContent",
        json={"contents": [{"role": "user", "parts": [{"text": "Who wins?"}]}]},
        headers={"x-penstock-step": step, "x-penstock-key": key},
        trust_env=False,
    )


def text(answer: httpx.Response) -> Any:
    return answer.json()["candidates"][0]["content"]["parts"][0]["text"]


def test_answers_are_given_in_turn_and_the_last_goes_on(simulator: Simulator, gemini_url: str) -> None:
    """Also of one key alone; what was asked can be looked at."""
    simulator.answer("judge", "Never.", VERDICT, key="judge-1")
    assert text(asked(gemini_url)) == "Never."
    for _ in range(2):
        assert Verdict.model_validate_json(text(asked(gemini_url))) == VERDICT
    assert text(asked(gemini_url, key="judge-2")) not in ("Never.", VERDICT.model_dump_json())
    assert [call.prompt for call in simulator.calls(step="judge", key="judge-1")] == ["Who wins?"] * 3


def test_a_fault_comes_as_often_as_it_is_said(simulator: Simulator, gemini_url: str) -> None:
    simulator.rule(step="judge", times=1, fault={"status": 503})
    assert [asked(gemini_url).status_code for _ in range(2)] == [503, 200]
    simulator.clear()
    assert simulator.calls() == []


def test_a_rule_that_there_is_not_says_what_is_wrong(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match=r"the simulator refuses it: 422 .*stepp"):
        simulator.rule(stepp="judge")
