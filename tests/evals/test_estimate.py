"""What an evaluation may cost is said before it begins."""

from pathlib import Path

import pytest

from penstock.contracts.usage import Usage
from penstock.evals.cases import load
from penstock.evals.estimate import estimate, judging, unpriced
from penstock.evals.report import Report, SetReport
from penstock.patterns.loading import load as load_patterns
from penstock.settings import Settings

SETS = load(Path(__file__).parents[2] / "evals")
PATTERNS = load_patterns(())
PRICED = Settings(fast_models=("gemini-2.5-flash",), complex_models=("gemini-2.5-pro",))


@pytest.mark.parametrize("name", SETS)
def test_each_set_costs_something_and_twice_as_much_if_asked_twice(name: str) -> None:
    once, twice = (
        estimate({name: SETS[name].model_copy(update={"times": times})}, PATTERNS, PRICED) for times in (1, 2)
    )
    assert once
    assert twice == pytest.approx(2 * once)
    assert 0.0001 < once / len(SETS[name].cases) < 0.5


def test_a_judge_costs_more_for_longer_answers_and_more_pairs() -> None:
    def cost(answer: str, count: int, model: str = "gemini-2.5-pro") -> float | None:
        cases = SETS["sequential-processing/draft"].cases[:count]
        outputs = {case.id: answer for case in cases}
        baseline = Report(answered_by="x", sets={"s": SetReport(evidence={}, asked=1, usage=Usage(), outputs=outputs)})
        return judging({"s": cases}, baseline, model)

    short, long, many = cost("short", 1), cost("long " * 10_000, 1), cost("short", 3)
    assert short
    assert long
    assert many
    assert short < long
    assert short < many < 4 * short
    assert cost("short", 1, "nobody-s") is None


def test_a_price_that_is_not_known_is_not_guessed() -> None:
    assert estimate(SETS, PATTERNS, Settings(fast_models=("nobody-s",), complex_models=("nobody-s",))) is None
    assert unpriced(("gemini-2.5-pro", "nobody-s", "nobody-s")) == ["nobody-s"]
