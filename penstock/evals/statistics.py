"""Intervals by resampling: how far a figure could be from what other cases would have given. And of wins and losses.

Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 15 (percentile intervals,
paired differences). The resampling is seeded: equal evidence gives equal intervals.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_RESAMPLES, _FEWEST = 2_000, 5
_SEED = 1993
#: Of a normal distribution, 95 % lie within so many standard deviations.
_Z = 1.959964


class Interval(NamedTuple):
    """A figure with its 95 % interval. `low` and `high` are None for fewer than 5 cases, which say too little."""

    value: float
    low: float | None
    high: float | None


def interval(evidence: Sequence[T], figure: Callable[[Sequence[T]], float | None]) -> Interval | None:
    """The figure of all the evidence, and its percentile interval. None where the evidence has no such figure."""
    value = figure(evidence)
    if value is None:
        return None
    if len(telling(evidence, figure)) < _FEWEST:
        return Interval(value, None, None)
    low, high = _percentiles([figure(sample) for sample in _samples(evidence)])
    return Interval(value, low, high)


def telling(evidence: Sequence[T], figure: Callable[[Sequence[T]], float | None]) -> Sequence[T]:
    """Those that have the figure by themselves; all, where it is of many or of none."""
    return [one for one in evidence if figure([one]) is not None] or evidence


def difference(pairs: Sequence[tuple[T, T]], figure: Callable[[Sequence[T]], float | None]) -> Interval | None:
    """The second's figure less the first's, over cases that both have; resampled in pairs."""

    def gained(sample: Sequence[tuple[T, T]]) -> float | None:
        first, second = figure([one for one, _ in sample]), figure([other for _, other in sample])
        return None if first is None or second is None else second - first

    return interval(pairs, gained)


def _samples(evidence: Sequence[T]) -> list[list[T]]:
    dice = random.Random(_SEED)
    return [dice.choices(evidence, k=len(evidence)) for _ in range(_RESAMPLES)]


def _percentiles(figures: list[float | None]) -> tuple[float | None, float | None]:
    known = sorted(figure for figure in figures if figure is not None)
    if len(known) < _RESAMPLES / 2:
        return None, None
    return known[int(0.025 * len(known))], known[min(int(0.975 * len(known)), len(known) - 1)]


def sign_test(wins: int, losses: int) -> float:
    """How likely wins and losses that are as uneven, or more, are if each is as likely: exact, two-sided.

    Source: W. J. Conover, Practical Nonparametric Statistics (1999), section 3.4. Ties are left out.
    """
    count = wins + losses
    tail = sum(math.comb(count, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(2 * tail / 2**count))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: E. B. Wilson, JASA 22 (1927), 209-212. `count` is not 0."""
    share, centre = hits / count, hits / count + _Z**2 / (2 * count)
    away = _Z * math.sqrt(share * (1 - share) / count + (_Z / (2 * count)) ** 2)
    low, high = ((centre + sign * away) / (1 + _Z**2 / count) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)
