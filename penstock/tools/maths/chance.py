"""Chance in sympy, made safe and repeatable.

sympy tests expressions at random points, and writes those as fractions by way of `nsimplify`, which at times lets
mpmath guess a formula and evaluates its text. Fractions can be had without text; and with a fixed seed an expression
has the same answer each time.
"""

from fractions import Fraction

import sympy
from sympy.core import random

_DENOMINATOR = 10**6


def make_safe() -> None:
    """Replace sympy's random points by ones that no text is evaluated for."""
    random.random_complex_number = _random_complex_number


def begin_again() -> None:
    """The same chances for each call."""
    random.seed(1)


def _random_complex_number(
    a: float = 2, b: float = -1, c: float = 3, d: float = 1, rational: bool = False, tolerance: float | None = None
) -> sympy.Expr:
    real, imaginary = random.uniform(a, c), random.uniform(b, d)
    if not rational:
        return real + sympy.I * imaginary
    return _fraction(real) + sympy.I * _fraction(imaginary)


def _fraction(value: float) -> sympy.Rational:
    near = Fraction(value).limit_denominator(_DENOMINATOR)
    return sympy.Rational(near.numerator, near.denominator)
