"""The functions on values, by mathjs' names: the whole of what an expression can call besides `symbolic.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sympy

from penstock.tools.maths import arithmetic, numbers, quantities
from penstock.tools.maths.arithmetic import number
from penstock.tools.maths.errors import Undefined
from penstock.tools.maths.matrices import MATRIX_FUNCTIONS
from penstock.tools.maths.quantities import is_quantity
from penstock.tools.maths.statistics import STATISTICS
from penstock.tools.maths.vocabulary import VALUE_FUNCTIONS

_ZERO: Final = sympy.Integer(0)
_TWO: Final = sympy.Integer(2)


@dataclass(frozen=True)
class Function:
    """A function and how many arguments it takes; `most` None means any number."""

    name: str
    call: Callable[..., Any]
    least: int
    most: int | None

    def __call__(self, *arguments: Any) -> Any:
        if len(arguments) < self.least or (self.most is not None and len(arguments) > self.most):
            wanted = str(self.least) if self.least == self.most else f"{self.least} to {self.most or 'any'}"
            raise Undefined(f"{self.name} takes {wanted} argument(s), not {len(arguments)}")
        return self.call(*arguments)


def _elementwise(call: Callable[[sympy.Expr], Any]) -> Callable[[Any], Any]:
    """On a number, or on every entry of a matrix."""
    return lambda value: value.applyfunc(call) if isinstance(value, sympy.MatrixBase) else call(number(value))


def _of_angle(call: Callable[[sympy.Expr], Any]) -> Callable[[Any], Any]:
    return lambda value: _elementwise(call)(quantities.angle(value))


def _root(value: Any, degree: Any = _TWO) -> Any:
    if is_quantity(value):
        return quantities.power(value, 1 / number(degree))
    if number(degree).is_zero:
        raise Undefined("there is no 0th root")
    if degree != 2 and number(value).is_real and value.is_negative and degree.is_odd:
        return -((-value) ** (1 / degree))
    return numbers.power(number(value), 1 / number(degree))


def _absolute(value: Any) -> Any:
    if is_quantity(value):
        return (
            arithmetic.multiply(sympy.Abs(value.magnitude), value / value.magnitude) if value.magnitude != 0 else value
        )
    return _elementwise(sympy.Abs)(value)


def _log(value: Any, base: Any = None) -> Any:
    value = number(value)
    if value.is_zero:
        raise Undefined("the logarithm of 0 is undefined")
    if base is not None and (number(base).is_zero or base == 1):
        raise Undefined(f"{base} is not a base for logarithms")
    return sympy.log(value) if base is None else sympy.log(value, number(base))


def _rounded(value: Any, places: Any = _ZERO) -> Any:
    """Halves away from zero, as mathjs does; Python's own rounding would take 2.5 to 2."""
    scale = sympy.Integer(10) ** numbers.integer(places, what="the number of decimals", at_most=100)

    def one(entry: sympy.Expr) -> sympy.Expr:
        _real(entry)
        return sympy.sign(entry) * sympy.floor(sympy.Abs(entry) * scale + sympy.Rational(1, 2)) / scale

    if is_quantity(value):
        return arithmetic.multiply(one(value.magnitude), value / value.magnitude) if value.magnitude != 0 else value
    return _elementwise(one)(value)


def _whole(call: Callable[[sympy.Expr], Any]) -> Callable[..., Any]:
    def to_places(value: Any, places: Any = _ZERO) -> Any:
        scale = sympy.Integer(10) ** numbers.integer(places, what="the number of decimals", at_most=100)
        return _elementwise(lambda entry: call(_real(entry) * scale) / scale)(value)

    return to_places


def _real(value: sympy.Expr) -> sympy.Expr:
    if value.is_number and value.is_real is False:
        raise Undefined("a real number is needed here")
    return value


def _modulo(left: Any, right: Any) -> Any:
    if is_quantity(left) and is_quantity(right):
        right = quantities.convert(right, left)
        return arithmetic.multiply(_modulo(left.magnitude, right.magnitude), right / right.magnitude)
    if number(right).is_zero:
        return left
    return sympy.Mod(number(left), right)


def _integers(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    def on_integers(*values: Any) -> Any:
        return sympy.Integer(call(*(numbers.integer(value, what=f"every argument of {name}") for value in values)))

    return on_integers


def _combinations(n: Any, k: Any) -> Any:
    n, k = _choice(n, "n"), _choice(k, "k")
    return sympy.binomial(n, k)


def _permutations(n: Any, k: Any = None) -> Any:
    n = _choice(n, "n")
    k = n if k is None else _choice(k, "k")
    if k > n:
        raise Undefined("k must not exceed n")
    return sympy.ff(n, k)


def _choice(value: Any, name: str) -> sympy.Integer:
    count = numbers.integer(value, what=name, at_most=numbers.MAX_FACTORIAL)
    if count < 0:
        raise Undefined(f"{name} must not be negative")
    return sympy.Integer(count)


def _is_prime(value: Any) -> bool:
    return bool(sympy.isprime(numbers.integer(value, what="the argument of isPrime", at_most=10**40)))


_ONE_ANGLE: Final = ("sin", "cos", "tan", "sec", "csc", "cot")
_ONE_NUMBER: Final = ("asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "re", "im", "arg")

VALUE_TABLE: Final[dict[str, Function]] = {
    function.name: function
    for function in (
        *(Function(name, _of_angle(getattr(sympy, name)), 1, 1) for name in _ONE_ANGLE),
        *(Function(name, _elementwise(getattr(sympy, name)), 1, 1) for name in _ONE_NUMBER),
        *(Function(name, call, least, most) for name, (call, least, most) in MATRIX_FUNCTIONS.items()),
        *(Function(name, call, 1, None) for name, call in STATISTICS.items()),
        Function("conj", _elementwise(sympy.conjugate), 1, 1),
        Function("sqrt", lambda x: _elementwise(_root)(x) if isinstance(x, sympy.MatrixBase) else _root(x), 1, 1),
        Function("cbrt", lambda x: _root(x, sympy.Integer(3)), 1, 1),
        Function("nthRoot", _root, 1, 2),
        Function("abs", _absolute, 1, 1),
        Function("sign", _elementwise(sympy.sign), 1, 1),
        Function("exp", _elementwise(lambda x: numbers.power(sympy.E, x)), 1, 1),
        Function("expm1", _elementwise(lambda x: numbers.power(sympy.E, x) - 1), 1, 1),
        Function("log", _log, 1, 2),
        Function("ln", _log, 1, 1),
        Function("log10", lambda x: _log(x, sympy.Integer(10)), 1, 1),
        Function("log2", lambda x: _log(x, sympy.Integer(2)), 1, 1),
        Function("log1p", lambda x: _log(1 + number(x)), 1, 1),
        Function("square", lambda x: arithmetic.power(x, sympy.Integer(2)), 1, 1),
        Function("cube", lambda x: arithmetic.power(x, sympy.Integer(3)), 1, 1),
        Function("pow", arithmetic.power, 2, 2),
        Function("hypot", lambda *xs: sympy.sqrt(sum((number(x) ** 2 for x in xs), sympy.Integer(0))), 1, None),
        Function("atan2", lambda y, x: sympy.atan2(number(y), number(x)), 2, 2),
        Function("floor", _whole(sympy.floor), 1, 2),
        Function("ceil", _whole(sympy.ceiling), 1, 2),
        Function("fix", _whole(lambda x: sympy.sign(x) * sympy.floor(sympy.Abs(x))), 1, 2),
        Function("round", _rounded, 1, 2),
        Function("mod", _modulo, 2, 2),
        Function("gcd", _integers(sympy.igcd, "gcd"), 2, None),
        Function("lcm", _integers(sympy.ilcm, "lcm"), 2, None),
        Function("factorial", _elementwise(numbers.factorial), 1, 1),
        Function("gamma", lambda x: numbers.factorial(number(x) - 1), 1, 1),
        Function("combinations", _combinations, 2, 2),
        Function("permutations", _permutations, 1, 2),
        Function("isPrime", _is_prime, 1, 1),
        Function("add", arithmetic.add, 2, 2),
        Function("subtract", lambda x, y: arithmetic.add(x, arithmetic.multiply(sympy.Integer(-1), y)), 2, 2),
        Function("multiply", arithmetic.multiply, 2, 2),
        Function("divide", arithmetic.divide, 2, 2),
    )
}
assert VALUE_TABLE.keys() == VALUE_FUNCTIONS
