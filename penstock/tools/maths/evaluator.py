"""Syntax tree to value: every kind of node has one method here, every function one entry in a table.

A value is a sympy expression (exact), a sympy matrix, a pint quantity of sympy numbers, a bool or a str.
"""

from collections.abc import Callable
from typing import Any, Final

import sympy
from lark import Token, Tree

from penstock.tools.maths import arithmetic
from penstock.tools.maths.errors import SyntaxProblem, UnknownName
from penstock.tools.maths.functions import VALUE_TABLE
from penstock.tools.maths.numbers import factorial, finite, number_from
from penstock.tools.maths.quantities import convert, unit_named
from penstock.tools.maths.symbolic import SYMBOLIC_TABLE
from penstock.tools.maths.syntax import Node, parse_one
from penstock.tools.maths.vocabulary import CONSTANT_NAMES, SYMBOLIC_FUNCTIONS

CONSTANTS: Final[dict[str, Any]] = {
    "pi": sympy.pi, "PI": sympy.pi, "e": sympy.E, "E": sympy.E, "i": sympy.I, "tau": 2 * sympy.pi,
    "phi": sympy.GoldenRatio, "Infinity": sympy.oo, "infinity": sympy.oo, "inf": sympy.oo, "NaN": sympy.nan,
    "true": True, "false": False, "LN2": sympy.log(2), "LN10": sympy.log(10), "LOG2E": 1 / sympy.log(2),
    "LOG10E": 1 / sympy.log(10), "SQRT2": sympy.sqrt(2),
}  # fmt: skip
assert CONSTANTS.keys() == CONSTANT_NAMES

_GREEK: Final = frozenset(["alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "sigma", "omega", "rho"])


class Evaluator:
    """One calculation: the names it has assigned, and whether letters are units or unknowns.

    `letters_are_unknown` holds inside equations and symbolic functions: there `m` is an unknown, not a metre.
    """

    def __init__(self, *, letters_are_unknown: bool = False) -> None:
        self.assigned: dict[str, Any] = {}
        self.letters_are_unknown = letters_are_unknown
        self._beside_to = False

    def value(self, node: Node) -> Any:
        """The value of one node. Raises MathsError; RecursionError for chains of a thousand operators."""
        return finite(self._methods[node.data](self, node))

    def equation(self, node: Node) -> tuple[Any, Any]:
        """Both sides, letters being unknowns."""
        left, right = node.children
        return self._with_unknowns(left), self._with_unknowns(right)

    def text(self, text: str) -> Any:
        """The value of a quoted expression, letters being unknowns."""
        return self._with_unknowns(parse_one(text))

    def _with_unknowns(self, node: Any) -> Any:
        before, self.letters_are_unknown = self.letters_are_unknown, True
        try:
            return self.value(node)
        finally:
            self.letters_are_unknown = before

    def _number(self, node: Node) -> Any:
        return number_from(str(node.children[0]))

    def _string(self, node: Node) -> Any:
        return str(node.children[0])[1:-1]

    def _name(self, node: Node) -> Any:
        name = str(node.children[0])
        if name in self.assigned:
            return self.assigned[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        letter = _may_be_unknown(name)
        if not letter or (len(name) == 1 and not self.letters_are_unknown):
            unit = unit_named(name, beside_to=self._beside_to)
            if unit is not None:
                return unit
        if letter:
            return sympy.Symbol(name)
        raise UnknownName(f"unknown name {name[:40]!r}: it is no function, constant, unit or assigned variable")

    def _group(self, node: Node) -> Any:
        return self._child(node, 0)

    def _negative(self, node: Node) -> Any:
        return arithmetic.multiply(sympy.Integer(-1), self._child(node, 0))

    def _add(self, node: Node) -> Any:
        return arithmetic.add(self._child(node, 0), self._share(node, 1))

    def _subtract(self, node: Node) -> Any:
        return arithmetic.add(self._child(node, 0), arithmetic.multiply(sympy.Integer(-1), self._share(node, 1)))

    def _share(self, node: Node, index: int) -> Any:
        """The right side of a sum; `80 + 15%` adds 15 % of 80, as in mathjs."""
        value = self._child(node, index)
        right = node.children[index]
        if isinstance(right, Tree) and right.data == "percent":
            return arithmetic.multiply(self._child(node, 0), value)
        return value

    def _multiply(self, node: Node) -> Any:
        return arithmetic.multiply(self._child(node, 0), self._child(node, -1))

    def _juxtapose(self, node: Node) -> Any:
        left, right = self._child(node, 0), self._child(node, 1)
        if isinstance(left, bool | str) or isinstance(right, bool | str):
            raise SyntaxProblem("an operator is missing between two values")
        return arithmetic.multiply(left, right)

    def _divide(self, node: Node) -> Any:
        """mathjs: in `1/2 cm` the number belongs to the fraction, in `6 km / 2 hour` to its unit."""
        left, right = node.children
        if isinstance(left, Tree) and isinstance(right, Tree) and _ends_in_number(left) and right.data == "juxtapose":
            factors = _factors(right)
            if factors[0].data == "number":
                value = arithmetic.divide(self.value(left), self.value(factors[0]))
                for factor in factors[1:]:
                    value = arithmetic.multiply(value, self.value(factor))
                return value
        return arithmetic.divide(self._child(node, 0), self._child(node, 1))

    def _modulo(self, node: Node) -> Any:
        return VALUE_TABLE["mod"](self._child(node, 0), self._child(node, -1))

    def _power(self, node: Node) -> Any:
        return arithmetic.power(self._child(node, 0), self._child(node, 1))

    def _factorial(self, node: Node) -> Any:
        return factorial(arithmetic.number(self._child(node, 0)))

    def _transpose(self, node: Node) -> Any:
        return VALUE_TABLE["transpose"](self._child(node, 0))

    def _percent(self, node: Node) -> Any:
        return arithmetic.divide(self._child(node, 0), sympy.Integer(100))

    def _compare(self, node: Node) -> Any:
        return arithmetic.compare(self._child(node, 0), str(node.children[1]), self._child(node, 2))

    def _convert(self, node: Node) -> Any:
        """Beside `to`, C and F are degrees; anywhere else they may be unknowns."""
        before, self._beside_to = self._beside_to, True
        try:
            return convert(self._child(node, 0), self._child(node, -1))
        finally:
            self._beside_to = before

    def _matrix(self, node: Node) -> Any:
        return arithmetic.matrix([[self.value(cell) for cell in _trees(row)] for row in _trees(node)])

    def _call(self, node: Node) -> Any:
        name = str(node.children[0])
        arguments = _trees(node)
        if name in SYMBOLIC_FUNCTIONS:
            return SYMBOLIC_TABLE[name](*(self._symbolic_argument(argument) for argument in arguments))
        return VALUE_TABLE[name](*(self.value(argument) for argument in arguments))

    def _symbolic_argument(self, node: Node) -> Any:
        if node.data == "equation":
            return arithmetic.Equation(*self.equation(node))
        value = self._with_unknowns(node)
        if not isinstance(value, str):
            return value
        inner = parse_one(value)
        return arithmetic.Equation(*self.equation(inner)) if inner.data == "equation" else self._with_unknowns(inner)

    def _misplaced_equation(self, node: Node) -> Any:
        raise SyntaxProblem("an equation is not expected here")

    def _child(self, node: Node, index: int) -> Any:
        child = node.children[index]
        assert isinstance(child, Tree)
        return self.value(child)

    _methods: Final[dict[str, Callable[["Evaluator", Node], Any]]] = {
        "number": _number, "string": _string, "name": _name, "group": _group, "matrix": _matrix, "call": _call,
        "negative": _negative, "positive": _group, "add": _add, "subtract": _subtract, "multiply": _multiply,
        "multiply_of": _multiply, "juxtapose": _juxtapose, "divide": _divide, "modulo": _modulo, "power": _power,
        "factorial": _factorial, "transpose": _transpose, "percent": _percent, "compare": _compare,
        "convert": _convert, "equation": _misplaced_equation,
    }  # fmt: skip


def _may_be_unknown(name: str) -> bool:
    """One letter, or a letter and a number or index: `x`, `y2`, `v_0`. Anything longer is a slip of the pen."""
    letter, rest = name[0], name[1:].lstrip("_")
    return (letter.isalpha() and (not rest or rest.isdigit())) or name in _GREEK


def _ends_in_number(node: Node) -> bool:
    last = node.children[-1] if node.data in ("multiply", "divide") else node
    return isinstance(last, Tree) and last.data == "number"


def _factors(node: Node) -> list[Node]:
    """The factors of an implicit product from left to right."""
    last: list[Node] = []
    while node.data == "juxtapose":
        left, right = node.children
        assert isinstance(left, Tree)
        assert isinstance(right, Tree)
        last.append(right)
        node = left
    return [node, *reversed(last)]


def _trees(node: Node) -> list[Node]:
    return [child for child in node.children if isinstance(child, Tree) and not isinstance(child, Token)]
