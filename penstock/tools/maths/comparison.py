"""Whether a written value is the expected one: exactly, within its shown precision, or not."""

from typing import Any, Final

import sympy

from penstock.tools.maths import quantities
from penstock.tools.maths.answers import Written
from penstock.tools.maths.closeness import DIGITS, NOISE, Match, numbers_match, worst
from penstock.tools.maths.errors import MathsError
from penstock.tools.maths.quantities import is_quantity

#: Where two expressions are compared: no special values, both signs, small enough to stay precise.
_POINTS: Final = ("3/7", "-5/3", "11/4", "-7/9", "13/5", "2/11", "-17/6", "31/8", "5/13", "41/9")


def compare(expected: Any, written: Written) -> Match:
    """Compares as numbers, quantities (in the answer's unit), truth values or matrices."""
    units = is_quantity(expected)
    try:
        value = written.value(letters_are_unknown=not units)
    except MathsError:
        return Match.INCOMPARABLE
    if isinstance(expected, bool) or isinstance(value, bool):
        return (
            _match_if(expected is value)
            if isinstance(expected, bool) and isinstance(value, bool)
            else Match.INCOMPARABLE
        )
    if isinstance(expected, sympy.MatrixBase) or isinstance(value, sympy.MatrixBase):
        return _compare_matrices(expected, value, written)
    if units and is_quantity(value):
        if expected.dimensionality != value.dimensionality:
            return Match.DIFFERENT
        return _numbers(quantities.convert(expected, value).magnitude, value.magnitude, written)
    if units or is_quantity(value):
        return Match.INCOMPARABLE
    if expected.is_number and value.is_number:
        return _numbers(expected, value, written)
    return (
        _match_if(agree_everywhere(expected, value)) if value.free_symbols or expected.free_symbols else Match.DIFFERENT
    )


def _numbers(expected: sympy.Expr, value: sympy.Expr, written: Written) -> Match:
    match = numbers_match(expected, value, written.tolerance)
    if match is not Match.DIFFERENT or written.precision_is_clear:
        return match
    near = sympy.Abs(expected - value).evalf(DIGITS) < sympy.Abs(expected).evalf(DIGITS) / 100
    return Match.INCOMPARABLE if near else Match.DIFFERENT


def agree_everywhere(first: sympy.Expr, second: sympy.Expr) -> bool | None:
    """Whether two expressions agree at sample points; None if fewer than four points have a value."""
    counted, disagreement = sampled(first, second)
    return False if disagreement else True if counted >= 4 else None


def sampled(first: sympy.Expr, second: sympy.Expr) -> tuple[int, dict[sympy.Symbol, sympy.Rational] | None]:
    """How many points agree, and the first point that does not."""
    letters = sorted(first.free_symbols | second.free_symbols, key=str)
    counted = 0
    for shift in range(len(_POINTS)):
        point = {
            letter: sympy.Rational(_POINTS[(shift + 3 * index) % len(_POINTS)]) for index, letter in enumerate(letters)
        }
        left, right = first.subs(point).evalf(DIGITS), second.subs(point).evalf(DIGITS)
        if not _is_value(left) or not _is_value(right):
            continue
        if abs(left - right) > NOISE * (1 + abs(left)):
            return counted, point
        counted += 1
    return counted, None


def proven_equal(first: sympy.Expr, second: sympy.Expr) -> bool:
    """Whether the difference of two rational functions is identically zero: a proof, not a sample."""
    letters = first.free_symbols | second.free_symbols
    difference = first - second
    return bool(difference.is_rational_function(*letters)) and sympy.cancel(difference) == 0


def _is_value(value: Any) -> bool:
    return bool(value.is_number) and not value.has(sympy.zoo, sympy.nan, sympy.oo) and value.is_comparable is not None


def _compare_matrices(expected: Any, value: Any, written: Written) -> Match:
    if not isinstance(expected, sympy.MatrixBase) or not isinstance(value, sympy.MatrixBase):
        return Match.INCOMPARABLE
    if expected.shape != value.shape:
        return Match.DIFFERENT
    pairs = zip(expected, value, strict=True)
    return worst([numbers_match(left, right, written.tolerance) for left, right in pairs])


def _match_if(equal: bool | None) -> Match:
    return Match.INCOMPARABLE if equal is None else Match.EXACT if equal else Match.DIFFERENT
