"""The functions on matrices and vectors; name -> (function, fewest arguments, most arguments)."""

from collections.abc import Callable
from typing import Any, Final

import sympy

from penstock.tools.maths.errors import TooLarge, Undefined
from penstock.tools.maths.numbers import integer

_MAX_SIDE: Final = 20
_MAX_SYMBOLIC_SIDE: Final = 6


def _matrix(value: Any) -> sympy.MatrixBase:
    if not isinstance(value, sympy.MatrixBase):
        raise Undefined("a matrix is needed here, such as [[1, 2], [3, 4]]")
    return value


def _square(value: Any) -> sympy.MatrixBase:
    matrix = _matrix(value)
    if matrix.rows != matrix.cols:
        raise Undefined(f"a square matrix is needed, not {matrix.rows}x{matrix.cols}")
    if matrix.free_symbols and matrix.rows > _MAX_SYMBOLIC_SIDE:
        raise TooLarge(f"a matrix with unknowns may have {_MAX_SYMBOLIC_SIDE} rows at most here")
    return matrix


def _determinant(value: Any) -> sympy.Expr:
    return _square(value).det()


def _inverse(value: Any) -> Any:
    if isinstance(value, sympy.Expr) and not isinstance(value, sympy.MatrixBase):
        return 1 / value
    if _square(value).det().is_zero:
        raise Undefined("the matrix is singular: its determinant is 0")
    return value.inv()


def _entries(value: Any) -> list[sympy.Expr]:
    matrix = _matrix(value)
    if 1 not in matrix.shape:
        raise Undefined("a vector is needed here, such as [1, 2, 3]")
    return list(matrix)


def _dot(left: Any, right: Any) -> sympy.Expr:
    first, second = _entries(left), _entries(right)
    if len(first) != len(second):
        raise Undefined("both vectors must be equally long")
    return sum((a * b for a, b in zip(first, second, strict=True)), sympy.Integer(0))


def _cross(left: Any, right: Any) -> Any:
    first, second = _entries(left), _entries(right)
    if len(first) != 3 or len(second) != 3:
        raise Undefined("cross needs two vectors of three numbers")
    return sympy.ImmutableMatrix([list(sympy.Matrix(first).cross(sympy.Matrix(second)))])


def _norm(value: Any) -> sympy.Expr:
    if isinstance(value, sympy.MatrixBase):
        return sympy.sqrt(sum((sympy.Abs(entry) ** 2 for entry in value), sympy.Integer(0)))
    return sympy.Abs(value)


def _filled(make: Callable[[int, int], Any]) -> Callable[..., Any]:
    def sized(rows: Any, columns: Any = None) -> Any:
        height = integer(rows, what="the number of rows", at_most=_MAX_SIDE)
        width = height if columns is None else integer(columns, what="the number of columns", at_most=_MAX_SIDE)
        if height < 1 or width < 1:
            raise Undefined("a matrix needs a row and a column at least")
        return sympy.ImmutableMatrix(make(height, width))

    return sized


def _diagonal(value: Any) -> Any:
    return sympy.ImmutableMatrix(sympy.diag(*_entries(value)))


def _eigenvalues(value: Any) -> Any:
    found = _square(value).eigenvals(multiple=True)
    if any(value.has(sympy.CRootOf) for value in found):
        raise Undefined("these eigenvalues have no closed form")
    return sympy.ImmutableMatrix([found])


MATRIX_FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int | None]]] = {
    "det": (_determinant, 1, 1),
    "inv": (_inverse, 1, 1),
    "transpose": (lambda value: _matrix(value).T, 1, 1),
    "trace": (lambda value: _square(value).trace(), 1, 1),
    "rank": (lambda value: sympy.Integer(_matrix(value).rank()), 1, 1),
    "eigs": (_eigenvalues, 1, 1),
    "dot": (_dot, 2, 2),
    "cross": (_cross, 2, 2),
    "norm": (_norm, 1, 1),
    "diag": (_diagonal, 1, 1),
    "identity": (_filled(lambda rows, columns: sympy.eye(rows, columns)), 1, 2),
    "zeros": (_filled(lambda rows, columns: sympy.zeros(rows, columns)), 1, 2),
    "ones": (_filled(lambda rows, columns: sympy.ones(rows, columns)), 1, 2),
}
