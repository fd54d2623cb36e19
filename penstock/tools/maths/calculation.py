"""`calculate` itself: statements one after the other, equations solved together, the result as text."""

import re
from typing import Any, Final

import sympy
from lark import Tree

from penstock.tools.maths.arithmetic import Equation
from penstock.tools.maths.equations import solutions_text, solve
from penstock.tools.maths.errors import SyntaxProblem, Undefined
from penstock.tools.maths.evaluator import Evaluator
from penstock.tools.maths.notation import exact_text, text_of
from penstock.tools.maths.syntax import Node, names_in, parse

_SOLVE: Final = re.compile(r"\s*solve\b(?!\s*\()\s*:?\s*(?P<what>.*?)\s*", re.IGNORECASE | re.DOTALL)
_FOR: Final = re.compile(
    r"(?P<what>.*=.*?)\s+for\s+(?P<names>[A-Za-z]\w{0,3}(?:\s*(?:,|and)\s*[A-Za-z]\w{0,3})*)\s*\.?\s*", re.DOTALL
)


def calculate(expression: str) -> str:
    """The value of an expression, or the solutions of its equations, as text. Raises MathsError."""
    text, names = asked_for(expression)
    statements = parse(text)
    evaluator = Evaluator()
    equations: list[Node] = []
    values: list[Any] = []
    for statement in statements:
        if statement.data != "equation":
            values.append(evaluator.value(statement))
        elif not _assigned(statement, evaluator):
            equations.append(statement)
    if not equations:
        if names:
            raise SyntaxProblem(f"there is no equation to solve for {', '.join(names)}")
        return ", ".join(text_of(value) for value in values or [list(evaluator.assigned.values())[-1]])
    if values:
        raise SyntaxProblem("equations and expressions cannot be mixed: calculate them one after the other")
    system = _system(equations, evaluator)
    return solutions_text(solve(system, [sympy.Symbol(name) for name in names]), system)


def asked_for(text: str) -> tuple[str, list[str]]:
    """`solve 2x + 3 = 11 for x` is the equation `2x + 3 = 11` and the name `x`."""
    if found := _SOLVE.fullmatch(text):
        text = found["what"]
    if found := _FOR.fullmatch(text):
        return found["what"].strip(" ,;"), re.findall(r"(?!and\b)[A-Za-z]\w*", found["names"])
    return text, []


def _assigned(statement: Node, evaluator: Evaluator) -> bool:
    """Whether `a = 3` was an assignment: a new name, and a value without unknowns."""
    left, right = statement.children
    assert isinstance(left, Tree)
    assert isinstance(right, Tree)
    if _defines_function(left, right):
        raise SyntaxProblem("functions cannot be defined here: write the expression out")
    if left.data != "name" or (name := str(left.children[0])) in evaluator.assigned:
        return False
    value = evaluator.value(right)
    if isinstance(value, sympy.Basic) and value.free_symbols:
        return False
    if name in names_in([right]):
        return False
    evaluator.assigned[name] = value
    return True


def _defines_function(left: Node, right: Node) -> bool:
    """`f(x) = x^2` reads as a product of f and x; it is not an equation anybody means."""
    if left.data != "juxtapose":
        return False
    first, second = left.children
    if not isinstance(first, Tree) or not isinstance(second, Tree) or first.data != "name" or second.data != "group":
        return False
    inner = second.children[0]
    return isinstance(inner, Tree) and inner.data == "name" and str(first.children[0]) not in names_in([right])


def _system(equations: list[Node], evaluator: Evaluator) -> list[Equation]:
    """The equations, and among them `x = 4` that was read as an assignment of one of their unknowns."""
    unknown = Evaluator(letters_are_unknown=True)
    names = names_in(equations)
    for name, value in evaluator.assigned.items():
        if name not in names or not isinstance(value, sympy.Expr):
            unknown.assigned[name] = value
    system = [Equation(*unknown.equation(equation)) for equation in equations]
    pinned = [
        Equation(sympy.Symbol(name), value)
        for name, value in evaluator.assigned.items()
        if name not in unknown.assigned
    ]
    if not any(each.unknowns for each in system):
        left, right = (text_of(side) for side in (system[0].left, system[0].right))
        true = all(each.difference.equals(0) for each in system)
        raise Undefined(f"{left} = {right} has no unknown: it is {'true' if true else 'false'}")
    return [*system, *pinned]


__all__ = ["asked_for", "calculate", "exact_text"]
