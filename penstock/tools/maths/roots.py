"""Real roots of one expression in one unknown, found by sign changes: for equations no formula solves."""

from collections.abc import Iterator
from typing import Final

import sympy

_REACH: Final = 20
_STEPS: Final = 200
_DIGITS: Final = 17


def scanned_roots(expression: sympy.Expr, unknown: sympy.Symbol) -> Iterator[sympy.Expr]:
    """Roots between -20 and 20 at which the sign changes; touching roots and those beyond are missed."""
    points = [sympy.Rational(2 * _REACH * step, _STEPS) - _REACH for step in range(_STEPS + 1)]
    signs = [_sign(expression, unknown, point) for point in points]
    for index in range(_STEPS):
        if signs[index] == 0:
            yield points[index]
        elif signs[index + 1] and signs[index] and signs[index] != signs[index + 1]:
            root = _bisected(expression, unknown, points[index], points[index + 1])
            if root is not None:
                yield root


def changes_sign(expression: sympy.Expr, unknown: sympy.Symbol, low: sympy.Expr, high: sympy.Expr) -> bool:
    """Whether a root lies between two points, the expression being continuous there."""
    first, last = _sign(expression, unknown, low), _sign(expression, unknown, high)
    return first is not None and last is not None and first * last <= 0


def _bisected(expression: sympy.Expr, unknown: sympy.Symbol, low: sympy.Expr, high: sympy.Expr) -> sympy.Expr | None:
    low, high = low.n(30), high.n(30)
    left = _sign(expression, unknown, low)
    for _ in range(60):
        middle = (low + high) / 2
        sign = _sign(expression, unknown, middle)
        if sign is None:
            return None
        low, high = (middle, high) if sign == left else (low, middle)
    size = abs(expression.evalf(15, subs={unknown: middle}))
    return middle.n(_DIGITS) if size < 1e-6 else None  # a pole changes the sign, too


def _sign(expression: sympy.Expr, unknown: sympy.Symbol, point: sympy.Expr) -> int | None:
    value = expression.evalf(15, subs={unknown: point})
    if not value.is_Float and not value.is_Integer:
        return None
    return int(sympy.sign(value)) if value.is_real else None
