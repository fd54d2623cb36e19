"""The operators on mixed values: numbers, matrices, quantities with units."""

from dataclasses import dataclass
from typing import Any, Final

import sympy

from penstock.tools.maths import numbers, quantities
from penstock.tools.maths.errors import TooLarge, Undefined
from penstock.tools.maths.quantities import is_quantity

MAX_ENTRIES: Final = 400
_MAX_MATRIX_POWER: Final = 200


@dataclass(frozen=True)
class Equation:
    left: sympy.Expr
    right: sympy.Expr

    def __post_init__(self) -> None:
        number(self.left)
        number(self.right)

    @property
    def difference(self) -> sympy.Expr:
        return self.left - self.right

    @property
    def unknowns(self) -> set[sympy.Symbol]:
        return {*self.left.free_symbols, *self.right.free_symbols}


def number(value: Any) -> sympy.Expr:
    """The value, if it is a number or an expression, without a unit."""
    if isinstance(value, sympy.Expr) and not isinstance(value, sympy.MatrixBase):
        return value
    raise Undefined(f"a number is needed here, not {kind(value)}")


def kind(value: Any) -> str:
    if is_quantity(value):
        return f"a quantity in {quantities.units_text(value)}"
    names = {bool: "true or false", str: "a text", Equation: "an equation"}
    return "a matrix" if isinstance(value, sympy.MatrixBase) else names.get(type(value), "a number")


def matrix(rows: list[list[Any]]) -> sympy.ImmutableMatrix:
    """`[1, 2]` is a row; rows of rows, or rows separated by semicolons, make a matrix."""
    if len(rows) == 1 and rows[0] and all(isinstance(cell, sympy.MatrixBase) for cell in rows[0]):
        rows = [list(cell) for cell in rows[0]]
    if not rows or len({len(row) for row in rows}) != 1:
        raise Undefined("the rows of a matrix must not be empty and must be equally long")
    if len(rows) * len(rows[0]) > MAX_ENTRIES:
        raise TooLarge(f"a matrix may have {MAX_ENTRIES} entries at most")
    return sympy.ImmutableMatrix([[number(cell) for cell in row] for row in rows])


def add(left: Any, right: Any) -> Any:
    if isinstance(left, sympy.MatrixBase) or isinstance(right, sympy.MatrixBase):
        return _add_matrices(left, right)
    if is_quantity(left) or is_quantity(right):
        return quantities.add(left, right)
    return number(left) + number(right)


def multiply(left: Any, right: Any) -> Any:
    if isinstance(left, sympy.MatrixBase) and isinstance(right, sympy.MatrixBase):
        if left.cols != right.rows:
            raise Undefined(f"a {_shape(left)} matrix cannot be multiplied by a {_shape(right)} matrix")
        product = left * right
        return product[0, 0] if product.shape == (1, 1) and left.rows == 1 else product
    if is_quantity(left) or is_quantity(right):
        return quantities.multiply(left, right)
    if isinstance(left, sympy.MatrixBase):
        return left * number(right)
    if isinstance(right, sympy.MatrixBase):
        return right * number(left)
    return number(left) * number(right)


def divide(left: Any, right: Any) -> Any:
    if isinstance(right, sympy.MatrixBase):
        raise Undefined("a matrix cannot divide: multiply by inv(...)")
    if (right.magnitude if is_quantity(right) else number(right)).is_zero:
        raise Undefined("division by zero")
    if is_quantity(left) or is_quantity(right):
        return quantities.divide(left, right)
    return left / right if isinstance(left, sympy.MatrixBase) else number(left) / number(right)


def power(base: Any, exponent: Any) -> Any:
    exponent = number(exponent)
    if is_quantity(base):
        return quantities.power(base, exponent)
    if isinstance(base, sympy.MatrixBase):
        if base.rows != base.cols:
            raise Undefined("only a square matrix has powers")
        return base ** numbers.integer(exponent, what="the power of a matrix", at_most=_MAX_MATRIX_POWER)
    return numbers.power(number(base), exponent)


def compare(left: Any, operator: str, right: Any) -> bool:
    if isinstance(left, sympy.MatrixBase) and isinstance(right, sympy.MatrixBase) and operator in ("==", "!="):
        return bool(left == right) is (operator == "==")
    sign = _sign(left, right)
    if operator in ("==", "!="):
        return (sign == 0) is (operator == "==")
    if sign is None:
        raise Undefined("complex numbers have no order")
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def _sign(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 as left is less than, equal to or greater than right; None if they have no order."""
    if is_quantity(left) or is_quantity(right):
        right = quantities.convert(right, left) if is_quantity(left) and is_quantity(right) else right
        difference = quantities.add(left, multiply(sympy.Integer(-1), right)).magnitude
    elif left in (sympy.oo, -sympy.oo) and left == right:
        return 0
    else:
        difference = number(left) - number(right)
    if not difference.is_number:
        raise Undefined(f"this depends on {', '.join(sorted(map(str, difference.free_symbols)))}")
    if difference.is_zero or (difference.is_zero is None and difference.equals(0)):
        return 0
    return None if difference.is_real is False else (1 if difference.evalf(15) > 0 else -1)


def _add_matrices(left: Any, right: Any) -> Any:
    """mathjs adds a number to every entry."""
    if not isinstance(left, sympy.MatrixBase):
        left, right = right, left
    if not isinstance(right, sympy.MatrixBase):
        return left.applyfunc(lambda entry: entry + number(right))
    if left.shape != right.shape:
        raise Undefined(f"a {_shape(left)} matrix cannot be added to a {_shape(right)} matrix")
    return left + right


def _shape(value: Any) -> str:
    return f"{value.rows}x{value.cols}"
