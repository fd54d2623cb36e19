"""Statistics over their arguments, or over the entries of one matrix. Quantities of one dimension may be mixed."""

from collections import Counter
from collections.abc import Callable
from functools import cmp_to_key, reduce
from typing import Any, Final

import sympy

from penstock.tools.maths import arithmetic
from penstock.tools.maths.errors import Undefined


def _values(arguments: tuple[Any, ...]) -> list[Any]:
    values = [entry for value in arguments for entry in (value if isinstance(value, sympy.MatrixBase) else [value])]
    if not values:
        raise Undefined("at least one value is needed")
    return values


def _ordered(arguments: tuple[Any, ...]) -> list[Any]:
    return sorted(_values(arguments), key=cmp_to_key(_order))


def _order(left: Any, right: Any) -> int:
    return int(arithmetic.compare(left, ">", right)) - int(arithmetic.compare(left, "<", right))


def _sum(*arguments: Any) -> Any:
    return reduce(arithmetic.add, _values(arguments))


def _mean(*arguments: Any) -> Any:
    return arithmetic.divide(_sum(*arguments), sympy.Integer(len(_values(arguments))))


def _median(*arguments: Any) -> Any:
    ordered = _ordered(arguments)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else _mean(ordered[middle - 1], ordered[middle])


def _mode(*arguments: Any) -> Any:
    counts = Counter(arithmetic.number(value) for value in _values(arguments))
    most = max(counts.values())
    modes = [value for value, count in counts.items() if count == most]
    return modes[0] if len(modes) == 1 else sympy.ImmutableMatrix([modes])


def _variance(*arguments: Any) -> sympy.Expr:
    """Of a sample: divided by n - 1, as mathjs does by default."""
    values = [arithmetic.number(value) for value in _values(arguments)]
    if len(values) < 2:
        return sympy.Integer(0)
    mean = sum(values, sympy.Integer(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), sympy.Integer(0)) / (len(values) - 1)


STATISTICS: Final[dict[str, Callable[..., Any]]] = {
    "min": lambda *arguments: _ordered(arguments)[0],
    "max": lambda *arguments: _ordered(arguments)[-1],
    "mean": _mean,
    "median": _median,
    "mode": _mode,
    "variance": _variance,
    "std": lambda *arguments: sympy.sqrt(_variance(*arguments)),
    "sum": _sum,
    "prod": lambda *arguments: reduce(arithmetic.multiply, _values(arguments)),
}
