"""What can be told from so many cases, and what cannot."""

from collections.abc import Sequence
from statistics import fmean

import pytest

from penstock.evals.measures import Figure
from penstock.evals.report import verdict
from penstock.evals.statistics import difference, interval, sign_test, wilson

HIGHER = Figure("higher", fmean)
LOWER = Figure("lower", fmean)


def test_an_interval_is_wide_for_few_cases_and_narrow_for_many() -> None:
    bounds = []
    for times in (5, 200):
        found = interval([0.0, 1.0] * times, fmean)
        assert found is not None
        assert found.value == 0.5
        bounds.append((found.low or 0.0, found.high or 1.0))
    (low, high), (lower, higher) = bounds
    assert low < lower < 0.5 < higher < high


def test_equal_evidence_gives_equal_intervals() -> None:
    assert interval([1.0, 2.0, 4.0], fmean) == interval([1.0, 2.0, 4.0], fmean)


def test_of_four_cases_nothing_is_said_but_their_value() -> None:
    assert interval([3.0, 5.0, 3.0, 5.0], fmean) == (4.0, None, None)
    assert interval([3.0, 5.0, 3.0, 5.0, 4.0], fmean) != (4.0, None, None)


def test_evidence_without_a_figure_has_no_interval() -> None:
    def never(_: Sequence[float]) -> None:
        return None

    assert interval([1.0], never) is None


def told(pairs: Sequence[tuple[float, float]], figure: Figure = HIGHER) -> str:
    return verdict(difference(pairs, figure.of), pairs, figure)


def test_a_change_that_all_cases_agree_on_is_told() -> None:
    assert told([(0.0, 1.0)] * 20) == "better"
    assert told([(0.0, 1.0)] * 20, LOWER) == "worse"


def test_a_change_that_could_be_chance_is_not() -> None:
    assert told([(0.0, 1.0)] * 11 + [(1.0, 0.0)] * 9) == "cannot tell"
    assert verdict(None, [], HIGHER) == "cannot tell"


@pytest.mark.parametrize(("changed", "said"), [(2, "cannot tell"), (9, "cannot tell"), (10, "better")])
def test_below_ten_pairs_nothing_is_told(changed: int, said: str) -> None:
    assert told([(0.0, 1.0)] * changed) == said


@pytest.mark.parametrize(("changed", "said"), [(5, "cannot tell"), (6, "better")])
def test_five_cases_of_many_that_changed_could_be_chance(changed: int, said: str) -> None:
    assert told([(0.0, 1.0)] * changed + [(1.0, 1.0)] * 14) == said


def test_a_figure_that_only_many_have_needs_ten_pairs() -> None:
    def of_many(values: Sequence[float]) -> float | None:
        return fmean(values) if len(values) > 1 else None

    assert told([(0.0, 1.0)] * 9, Figure("higher", of_many)) == "cannot tell"
    assert told([(0.0, 1.0)] * 10, Figure("higher", of_many)) == "better"


@pytest.mark.parametrize(("wins", "losses", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (0, 6, 0.03125), (8, 2, 0.109375)])
def test_a_sign_test_is_exact(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(0, 10, 0.0, 0.2775), (9, 10, 0.5958, 0.9821), (50, 100, 0.4038, 0.5962)]
)
def test_the_interval_of_a_share_is_wilson_s(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)
