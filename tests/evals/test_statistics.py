"""What can be told from so many cases, and what cannot."""

from collections.abc import Sequence
from statistics import fmean

from penstock.evals.measures import Figure
from penstock.evals.report import verdict
from penstock.evals.statistics import difference, interval

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


def test_of_one_case_nothing_is_said_but_its_value() -> None:
    assert interval([3.0], fmean) == (3.0, None, None)


def test_evidence_without_a_figure_has_no_interval() -> None:
    def never(_: Sequence[float]) -> None:
        return None

    assert interval([1.0], never) is None


def test_a_change_that_all_cases_agree_on_is_told() -> None:
    better = difference([(0.0, 1.0)] * 20, fmean)
    assert verdict(better, HIGHER) == "better"
    assert verdict(better, LOWER) == "worse"


def test_a_change_that_could_be_chance_is_not() -> None:
    mixed = difference([(0.0, 1.0)] * 11 + [(1.0, 0.0)] * 9, fmean)
    assert verdict(mixed, HIGHER) == "cannot tell"
    assert verdict(difference([(0.0, 1.0)], fmean), HIGHER) == "cannot tell", "one case"
    assert verdict(None, HIGHER) == "cannot tell"
