"""How well a written number agrees with the expected one."""

from enum import Enum
from typing import Final

import sympy

DIGITS: Final = 30
NOISE: Final = sympy.Rational(1, 10**22)
_SLACK: Final = sympy.Rational(1_000_001, 1_000_000)


class Match(Enum):
    """From best to worst."""

    EXACT = "exact"
    ROUNDED = "rounded"
    #: Cut off instead of rounded: neither right nor plainly wrong.
    CUT_OFF = "cut off"
    #: Units, kinds or missing values stand in the way.
    INCOMPARABLE = "incomparable"
    DIFFERENT = "different"


def numbers_match(expected: sympy.Expr, value: sympy.Expr, tolerance: sympy.Rational) -> Match:
    """Exact, or within the tolerance that the written number's decimals stand for."""
    if expected == value:
        return Match.EXACT
    if not (expected.is_finite and value.is_finite):
        return Match.DIFFERENT
    size, difference = sympy.Abs(expected).evalf(DIGITS), sympy.Abs(expected - value).evalf(DIGITS)
    if difference <= NOISE * (1 + size):
        return Match.EXACT
    if not tolerance or value.is_zero:
        return Match.DIFFERENT
    if difference <= tolerance * _SLACK:
        return Match.ROUNDED
    cut_off = difference < 2 * tolerance and sympy.Abs(value).evalf(DIGITS) < size
    return Match.CUT_OFF if cut_off else Match.DIFFERENT


def worst(matches: list[Match]) -> Match:
    return max(matches, key=list(Match).index, default=Match.EXACT)
