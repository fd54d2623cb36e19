"""What a problem in words asks for, as far as every one of its words is accounted for.

A sentence is understood when it matches one of these forms as a whole and the rest parses as mathematics.
A word too many, and it is not: a wrong reading would make the verdict worthless.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sympy
from lark import Tree

from penstock.tools.maths.arithmetic import Equation, number
from penstock.tools.maths.errors import MathsError
from penstock.tools.maths.evaluator import Evaluator
from penstock.tools.maths.geometry import formula_for
from penstock.tools.maths.symbolic import SYMBOLIC_TABLE
from penstock.tools.maths.syntax import parse, parse_one
from penstock.tools.maths.wording import notation, without_lead


@dataclass(frozen=True)
class EquationProblem:
    """Find `goal` (all unknowns if None) such that the equations hold.

    `bounds` are expressions with the operator by which they compare to 0.
    """

    system: tuple[Equation, ...]
    wanted: tuple[sympy.Symbol, ...] = ()
    goal: sympy.Expr | None = None
    bounds: tuple[tuple[sympy.Expr, str], ...] = ()
    integers: bool = False


@dataclass(frozen=True)
class ValueProblem:
    """Compute one value. `percent`: the value is a number of percent. `unit_given`: the problem names its unit."""

    value: Any
    source: str
    percent: bool = False
    unit_given: bool = False


@dataclass(frozen=True)
class IdentityProblem:
    """Write `expression` in another form (`simplify`, `expand`, `factor`), or find an `antiderivative` of it."""

    expression: sympy.Expr
    form: str
    source: str
    variable: sympy.Symbol | None = None


Problem = EquationProblem | ValueProblem | IdentityProblem

#: `x = 4. Find y`: a point that ends a sentence must not become part of a number.
_SECOND_SENTENCE: Final = re.compile(r"[.?!]\s+[A-Za-z]{2}|[.?]\s+\w")
_AMOUNT: Final = r"(?P<amount>\S+(?:\s\S+)*?)"
_RESPECT: Final = r"(?:,? with respect to (?P<variable>[A-Za-z]))?"
_PERCENTAGES: Final = (
    (r"what ?(?:%|percentage) of (?P<whole>.+) is (?P<part>.+)", "({part}) / ({whole}) * 100", True),
    (r"(?P<part>.+) is what ?(?:%|percentage) of (?P<whole>.+)", "({part}) / ({whole}) * 100", True),
    (r"increase (?P<whole>\S+) by (?P<part>[\d.]+)%", "({whole}) * (1 + ({part}) / 100)", False),
    (r"(?:decrease|reduce|discount) (?P<whole>\S+) by (?P<part>[\d.]+)%", "({whole}) * (1 - ({part}) / 100)", False),
    (r"(?P<part>[\d.]+)% off(?: of)? (?P<whole>\S+)", "({whole}) * (1 - ({part}) / 100)", False),
)
_CONVERSIONS: Final = (
    rf"convert {_AMOUNT} (?:to|into|in) (?P<unit>\S+)",
    rf"how many (?P<unit>\S+) (?:are|is)(?: there)? in {_AMOUNT}",
    rf"{_AMOUNT} (?:to|in) (?P<unit>[A-Za-z][\w/^ ]*)",
)
_FORMS: Final = {"factorise": "factor", "factorize": "factor", "multiply out": "expand"}


def read_problem(text: str) -> Problem | None:
    """The problem, or None if it is not understood completely."""
    written = notation(text)
    if _SECOND_SENTENCE.search(written):
        return None
    for reader in _READERS:
        try:
            found = reader(written)
        except (MathsError, RecursionError):
            continue
        if found is not None:
            return found
    return None


def _conversion(text: str) -> Problem | None:
    for form in _CONVERSIONS:
        if found := re.fullmatch(form, without_lead(text), re.IGNORECASE):
            amount = re.sub(r"^an? ", "1 ", found["amount"])
            source = f"{amount} to {found['unit']}"
            return ValueProblem(Evaluator().value(parse_one(source)), source, unit_given=True)
    return None


def _percentage(text: str) -> Problem | None:
    for form, formula, percent in _PERCENTAGES:
        for candidate in (text, without_lead(text)):
            if found := re.fullmatch(form, candidate, re.IGNORECASE):
                return _value_of(formula.format(**found.groupdict()), percent=percent)
    return None


def _calculus(text: str) -> Problem | None:
    text = re.sub(r"\b(?:[fgy]\([a-z]\)|y)\s*=\s*", "", without_lead(text))
    at = r"(?:,? (?:at|when|evaluated at|for) (?P<name>[A-Za-z])\s*=\s*(?P<point>\S+))?"
    if found := re.fullmatch(
        rf"(?:(?:first )?derivative of|differentiate|d/dx(?: of)?) (?P<what>.+?){_RESPECT}{at}", text, re.I
    ):
        expression, variable = _expression(found["what"]), _symbol(found["variable"] or found["name"])
        derivative = SYMBOLIC_TABLE["derivative"](expression, *([variable] if variable else []))
        if found["point"] is None:
            return IdentityProblem(derivative, "derivative", f"d/dx ({found['what']})")
        return ValueProblem(
            derivative.subs(variable, _expression(found["point"])), f"the derivative, {derivative}, there"
        )
    form = rf"(?:(?:definite |indefinite )?integral of|integrate|antiderivative of) (?P<what>.+?)(?: d[a-z])?{_RESPECT}"
    if found := re.fullmatch(
        form + r" from (?:[a-z]\s*=\s*)?(?P<low>\S+) to (?:[a-z]\s*=\s*)?(?P<high>\S+)", text, re.I
    ):
        expression, variable = _expression(found["what"]), _only_symbol(_expression(found["what"]))
        limits = _expression(found["low"]), _expression(found["high"])
        return ValueProblem(SYMBOLIC_TABLE["integrate"](expression, variable, *limits), f"integral of {found['what']}")
    if found := re.fullmatch(form, text, re.I):
        expression = _expression(found["what"])
        return IdentityProblem(expression, "antiderivative", found["what"], _only_symbol(expression))
    if found := re.fullmatch(
        r"limit of (?P<what>.+) as (?P<name>[a-z]) (?:approaches|goes to|->) (?P<point>\S+)", text, re.I
    ):
        point = _expression(found["point"].replace("infinity", "Infinity"))
        return ValueProblem(SYMBOLIC_TABLE["limit"](_expression(found["what"]), _symbol(found["name"]), point), text)
    return None


def _rewriting(text: str) -> Problem | None:
    verbs = r"(?P<verb>simplify|expand|factori[sz]e|factor|multiply out)"
    found = re.fullmatch(verbs + r"(?: completely| fully)?(?: the expression)?:? (?P<what>.+)", text, re.IGNORECASE)
    if found is None:
        return None
    verb = found["verb"].lower()
    expression = _expression(found["what"])
    if expression.is_number:
        return _value_of(found["what"])
    return IdentityProblem(expression, _FORMS.get(verb, verb), found["what"])


def _geometry(text: str) -> Problem | None:
    source = formula_for(without_lead(text))
    return None if source is None else _value_of(source)


_EQUATIONS: Final = r"(?:the )?(?:following )?(?:linear |quadratic )?(?:system(?: of equations)?|equations?)?:? ?"
_NAMES: Final = r"(?P<names>[A-Za-z]\d?(?:(?:, ?| and |, and )[A-Za-z]\d?)*)"
_ASK: Final = r"(?:find|what is|determine|calculate|solve for)(?: the value of)?"
_GIVEN: Final = r"(?:if|when|given(?: that)?|such that|where)"
_WHAT: Final = r"(?P<what>.+=.+)"
_SYSTEMS: Final = (
    rf"solve {_EQUATIONS}for {_NAMES}(?: in(?: the equation)?| if| given)?[:,]? {_WHAT}",
    rf"(?:solve )?{_EQUATIONS}(?P<what>.+=.+?),? for {_NAMES}",
    rf"{_ASK} {_NAMES}(?: {_GIVEN}|:|,) {_WHAT}",
    rf"{_ASK} (?P<goal>.+?) {_GIVEN} {_WHAT}",
    rf"(?:if|given(?: that)?|when|suppose) (?P<what>.+=.+?),? (?:then )?{_ASK} (?P<goal>[^=]+)",
    r"(?:find|what are|determine)(?: all)?(?: the)? (?:real )?(?:roots|solutions|zeros) (?:of|to) "
    r"(?:the equation )?(?P<what>.+)",
    rf"(?:solve|find the solutions? (?:of|to)) {_EQUATIONS}{_WHAT}",
    _WHAT,
)


def _system(text: str) -> Problem | None:
    for form in _SYSTEMS:
        if found := re.fullmatch(form, text, re.IGNORECASE | re.DOTALL):
            try:
                return _system_of(found["what"], found.groupdict())
            except MathsError:
                continue
    return None


def _system_of(text: str, parts: dict[str, Any]) -> Problem:
    text, integers = re.subn(r",? (?:where|with|for|and) ([a-z]) (?:is )?an integer", "", text)
    text = re.sub(r",? (?:where|with|for|and) ([a-z]) (?:is )?positive", r"; \1 > 0", text)
    text = re.sub(r",? (?:where|with|for|and) ([a-z]) (?:is )?negative", r"; \1 < 0", text)
    statements = parse(re.sub(r",?\s+(?:and|where|with|for)\s+", "; ", text))
    evaluator = Evaluator(letters_are_unknown=True)
    equations, bounds = [], []
    for statement in statements:
        if statement.data == "equation":
            equations.append(Equation(*evaluator.equation(statement)))
        elif statement.data == "compare":
            left, operator, right = statement.children
            assert isinstance(left, Tree)
            assert isinstance(right, Tree)
            bounds.append((number(evaluator.value(left)) - number(evaluator.value(right)), str(operator)))
        else:
            equations.append(Equation(number(evaluator.value(statement)), sympy.Integer(0)))
    names = re.findall(r"(?!and\b)[A-Za-z]\d?", parts.get("names") or "")
    goal = _expression(parts["goal"]) if parts.get("goal") else None
    wanted = tuple(sympy.Symbol(name) for name in names)
    unknowns = set().union(*(each.unknowns for each in equations))
    if not unknowns or not {*wanted} <= unknowns or (goal is not None and not goal.free_symbols <= unknowns):
        raise MathsError("nothing to solve for")
    return EquationProblem(tuple(equations), wanted, goal, tuple(bounds), bool(integers))


def _value(text: str) -> Problem | None:
    return _value_of(re.sub(r"^(?:is it true that|is) ", "", without_lead(text), flags=re.IGNORECASE))


def _value_of(source: str, *, percent: bool = False) -> Problem | None:
    value = Evaluator().value(parse_one(source))
    if isinstance(value, str) or (isinstance(value, sympy.Basic) and value.free_symbols):
        return None
    return ValueProblem(value, source, percent=percent)


def _expression(text: str) -> sympy.Expr:
    return number(Evaluator(letters_are_unknown=True).value(parse_one(text)))


def _symbol(name: str | None) -> sympy.Symbol | None:
    return sympy.Symbol(name) if name else None


def _only_symbol(expression: sympy.Expr) -> sympy.Symbol:
    letters = sorted(expression.free_symbols, key=str)
    if len(letters) > 1:
        raise MathsError("which variable is meant is not said")
    return letters[0] if letters else sympy.Symbol("x")


_READERS: Final[tuple[Callable[[str], Problem | None], ...]] = (
    _percentage, _calculus, _rewriting, _geometry, _system, _conversion, _value,
)  # fmt: skip
