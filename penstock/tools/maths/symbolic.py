"""The functions on expressions in which letters are unknowns."""

from collections.abc import Callable
from typing import Any, Final

import sympy

from penstock.tools.maths.arithmetic import Equation, number
from penstock.tools.maths.equations import solutions_text, solve
from penstock.tools.maths.errors import TooLarge, Undefined
from penstock.tools.maths.functions import Function
from penstock.tools.maths.numbers import integer
from penstock.tools.maths.vocabulary import SYMBOLIC_FUNCTIONS

_MAX_OPERATIONS: Final = 400
_ONCE: Final = sympy.Integer(1)


def _derivative(expression: Any, variable: Any = None, order: Any = _ONCE) -> sympy.Expr:
    times = integer(order, what="the order of the derivative", at_most=10)
    if times < 0:
        raise Undefined("the order of the derivative must not be negative")
    return sympy.simplify(sympy.diff(_small(expression), _variable(expression, variable), times))


def _integral(expression: Any, variable: Any = None, lower: Any = None, upper: Any = None) -> sympy.Expr:
    symbol = _variable(expression, variable)
    limits = symbol if lower is None else (symbol, number(lower), number(upper))
    found = sympy.integrate(_small(expression), limits)
    if found.has(sympy.Integral):
        raise Undefined("no closed form of this integral was found")
    return found


def _limit(expression: Any, variable: Any, point: Any) -> sympy.Expr:
    return sympy.limit(_small(expression), _variable(expression, variable), number(point))


def _solved(*arguments: Any) -> str:
    """solve(2x + 3 = 11, x); an expression counts as equal to zero."""
    unknowns = [argument for argument in arguments[1:] if isinstance(argument, sympy.Symbol)]
    equations = [argument for argument in arguments if not any(argument is unknown for unknown in unknowns)]
    system = [each if isinstance(each, Equation) else Equation(number(each), sympy.Integer(0)) for each in equations]
    return solutions_text(solve(system, unknowns), system)


def _small(expression: Any) -> sympy.Expr:
    if number(expression).count_ops() > _MAX_OPERATIONS:
        raise TooLarge(f"the expression has more than {_MAX_OPERATIONS} operations")
    return number(expression)


def _variable(expression: Any, variable: Any) -> sympy.Symbol:
    if isinstance(variable, sympy.Symbol):
        return variable
    letters = sorted(number(expression).free_symbols, key=str)
    if variable is not None or len(letters) > 1:
        raise Undefined("name the variable, for example derivative(x^2, x)")
    return letters[0] if letters else sympy.Symbol("x")


def _on_one(call: Callable[[sympy.Expr], sympy.Expr]) -> Callable[[Any], sympy.Expr]:
    return lambda expression: call(_small(expression))


SYMBOLIC_TABLE: Final[dict[str, Function]] = {
    function.name: function
    for function in (
        Function("derivative", _derivative, 1, 3),
        Function("integrate", _integral, 1, 4),
        Function("limit", _limit, 3, 3),
        Function("simplify", _on_one(sympy.simplify), 1, 1),
        Function("expand", _on_one(sympy.expand), 1, 1),
        Function("factor", _on_one(sympy.factor), 1, 1),
        Function("rationalize", _on_one(sympy.together), 1, 1),
        Function("solve", _solved, 1, None),
    )
}
assert SYMBOLIC_TABLE.keys() == SYMBOLIC_FUNCTIONS
