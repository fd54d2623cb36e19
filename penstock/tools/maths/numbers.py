"""Bounds and tests on sympy numbers: what keeps `9^9^9^9` from being computed at all.

The process limits stop what is missed here; these give an answer that says why.
"""

import math
from fractions import Fraction
from typing import Any, Final

import sympy

from penstock.tools.maths.errors import TooLarge, Undefined

#: More decimal digits than this are never computed exactly.
MAX_DIGITS: Final = 10_000
MAX_FACTORIAL: Final = 3_000
_MAX_EXPONENT: Final = 400


def number_from(text: str) -> sympy.Rational:
    """A literal, exactly: 0.1 is 1/10."""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and (len(exponent) > 5 or abs(int(exponent)) > _MAX_EXPONENT):
        raise TooLarge(f"the number {text[:30]} is out of range: exponents go from -{_MAX_EXPONENT} to {_MAX_EXPONENT}")
    value = Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
    return sympy.Rational(value.numerator, value.denominator)


def power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    if base.is_number and exponent.is_number and base.is_finite and exponent.is_finite:
        times = abs(_approximate(exponent))
        if times * _decades(base) > MAX_DIGITS:
            return _rounded_power(base, exponent, times)
    elif exponent.is_Integer and abs(int(exponent)) > MAX_DIGITS:
        raise TooLarge(f"the exponent {exponent} is too large")
    if base.is_zero and exponent.is_negative:
        raise Undefined("division by zero")
    return base**exponent


def _rounded_power(base: sympy.Expr, exponent: sympy.Expr, times: float) -> sympy.Expr:
    """A power whose exact fraction is too long, such as 1.0001^100000, to 30 digits if its size is reasonable."""
    digits = times * abs(math.log10(size)) if 0 < (size := _approximate(sympy.Abs(base))) < math.inf else math.inf
    if digits > MAX_DIGITS:
        about = f"about {digits:.4g}" if math.isfinite(digits) else "far too many"
        raise TooLarge(f"too large: the power would have {about} digits; at most {MAX_DIGITS:,}")
    precision = 30 + math.ceil(math.log10(times + 1))
    return (base.n(precision) ** exponent.n(precision)).n(30)


def factorial(value: sympy.Expr) -> sympy.Expr:
    if not value.is_number or not value.is_real or value.is_negative:
        raise Undefined("a factorial needs a number that is not negative")
    if _approximate(value) > MAX_FACTORIAL:
        raise TooLarge(f"too large: factorials go up to {MAX_FACTORIAL}!")
    return sympy.factorial(value) if value.is_Integer else sympy.gamma(value + 1)


def finite(value: Any) -> Any:
    """The value, unless it is a pole or has no value at all."""
    if isinstance(value, sympy.Basic) and value.has(sympy.zoo, sympy.nan):
        raise Undefined("the value is undefined (a division by zero, or an expression such as Infinity - Infinity)")
    return value


def integer(value: Any, *, what: str, at_most: int | None = None) -> int:
    if not isinstance(value, sympy.Integer):
        raise Undefined(f"{what} must be an integer")
    if at_most is not None and abs(int(value)) > at_most:
        raise TooLarge(f"{what} must be at most {at_most}")
    return int(value)


def _decades(base: sympy.Expr) -> float:
    """The larger of |log10| of numerator and denominator: how many digits one factor adds."""
    if isinstance(base, sympy.Rational):
        return max(_log10(abs(int(base.p))), _log10(int(base.q)))
    size = _approximate(sympy.Abs(base))
    return 0.0 if size == 0 else max(abs(math.log10(size)), 0.05) if math.isfinite(size) else math.inf


def _log10(value: int) -> float:
    return 0.0 if value < 2 else value.bit_length() * math.log10(2) if value.bit_length() > 1000 else math.log10(value)


def _approximate(value: sympy.Expr) -> float:
    """As a float; infinity when it does not fit into one."""
    try:
        return abs(complex(value.evalf(15))) if not value.is_real else float(value.evalf(15))
    except (OverflowError, TypeError):
        return math.inf
