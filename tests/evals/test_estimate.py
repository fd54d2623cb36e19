"""What an evaluation may cost is said before it begins."""

from pathlib import Path

import pytest

from penstock.evals.cases import load
from penstock.evals.estimate import estimate
from penstock.patterns.loading import load as load_patterns
from penstock.settings import Settings

SETS = load(Path(__file__).parents[2] / "evals")
PATTERNS = load_patterns(())
PRICED = Settings(fast_models=("gemini-2.5-flash",), complex_models=("gemini-2.5-pro",))


@pytest.mark.parametrize("name", SETS)
def test_each_set_costs_something_and_twice_as_much_if_asked_twice(name: str) -> None:
    once = estimate({name: SETS[name]}, PATTERNS, PRICED)
    twice = estimate({name: SETS[name].model_copy(update={"times": 2})}, PATTERNS, PRICED)
    assert once
    assert twice == pytest.approx(2 * once)
    assert 0.0001 < once / len(SETS[name].cases) < 0.5


def test_a_price_that_is_not_known_is_not_guessed() -> None:
    assert estimate(SETS, PATTERNS, Settings(fast_models=("nobody-s",), complex_models=("nobody-s",))) is None
