"""Checks answers to equations: each proposed solution is put into them, then missing solutions are looked for."""

from collections.abc import Sequence
from typing import Final

import sympy

from penstock.tools.maths.answers import Answer, Written, read_answer
from penstock.tools.maths.arithmetic import Equation
from penstock.tools.maths.closeness import Match, worst
from penstock.tools.maths.comparison import compare
from penstock.tools.maths.equations import Solution, Solutions, solve
from penstock.tools.maths.errors import MathsError
from penstock.tools.maths.notation import exact_text, text_of, with_decimal
from penstock.tools.maths.problems import EquationProblem
from penstock.tools.maths.roots import changes_sign
from penstock.tools.maths.verdict import Verdict, right, undecided, wrong

_ROUNDED: Final = 0.95


def check_equations(problem: EquationProblem, text: str) -> Verdict:
    """Substitutes; a solution set is right only if it is also complete."""
    unknowns = sorted(set().union(*(each.unknowns for each in problem.system)), key=str)
    asked = problem.wanted or tuple(unknowns)
    answer = read_answer(text, unknowns=tuple(map(str, asked)))
    try:
        solutions = solve(list(problem.system), list(problem.wanted) if len(problem.system) == 1 else None)
    except MathsError:
        solutions = Solutions(asked, (), complete=False)
    known = [each for each in solutions.real.found if _within(problem, each)]
    if answer.nothing:
        return _check_nothing(problem, solutions, known, answer.nothing)
    if solutions.always or answer.everything:
        return _check_everything(solutions, answer)
    if problem.goal is not None:
        return _check_goal(problem.goal, solutions, known, answer)
    if not known and not problem.bounds and not problem.integers:
        known = list(solutions.found)
    return _check_alternatives(problem, asked, solutions, known, answer)


def _check_alternatives(
    problem: EquationProblem, asked: Sequence[sympy.Symbol], solutions: Solutions, known: list[Solution], answer: Answer
) -> Verdict:
    remarks: list[str] = []
    rounded = False
    met: list[Solution] = []
    for alternative in answer.alternatives:
        named = _with_names(alternative, asked)
        if named is None:
            return undecided(f"the answer does not say which value is which of {', '.join(map(str, asked))}")
        if isinstance(named, str):
            return undecided(named)
        matches = [(each, _match(each, named)) for each in solutions.found]
        exact = next((each for each, match in matches if match is Match.EXACT), None)
        near = next((each for each, match in matches if match is Match.ROUNDED), None)
        solution = exact or near
        if solution is not None and not _within(problem, solution):
            return wrong("substitution", f"{_shown(named)} satisfies the equation, but not the condition on it")
        if solution is not None:
            met.append(solution)
            rounded = rounded or exact is None
            remarks.append(_substituted(problem.system, named if exact else solution))
            continue
        if any(match is Match.CUT_OFF for _, match in matches):
            return undecided(f"{_shown(named)} looks cut off instead of rounded", "substitution")
        verdict = _by_residual(problem.system, named, solutions)
        if verdict.valid is not True:
            return verdict
        rounded = rounded or verdict.confidence < 1
        remarks.append(verdict.evidence)
    missing = [each for each in known if not any(each == found for found in met)]
    evidence = "; ".join(remarks)
    if missing and solutions.found:
        others = " and ".join(_shown(each) for each in missing)
        return wrong("substitution", f"{evidence}; but {others} is missing")
    if not solutions.complete:
        return undecided(f"{evidence}; whether there are other solutions is not known", "substitution")
    return right("substitution", evidence, confidence=_ROUNDED if rounded else 1.0)


def _with_names(
    alternative: dict[str, Written], asked: Sequence[sympy.Symbol]
) -> dict[sympy.Symbol, Written] | str | None:
    names = {str(symbol): symbol for symbol in asked}
    if set(alternative) == {""}:
        return {asked[0]: alternative[""]} if len(asked) == 1 else None
    if not set(alternative) <= set(names):
        return f"the answer is about {', '.join(alternative)}, the problem about {', '.join(names)}"
    if set(alternative) != set(names):
        return f"the answer gives no value for {', '.join(sorted(set(names) - set(alternative)))}"
    return {names[name]: written for name, written in alternative.items()}


def _match(solution: Solution, named: dict[sympy.Symbol, Written]) -> Match:
    """The worst of the matches of all values."""
    matches = [
        compare(solution[symbol], written) if symbol in solution else Match.INCOMPARABLE
        for symbol, written in named.items()
    ]
    return worst(matches)


def _by_residual(system: Sequence[Equation], named: dict[sympy.Symbol, Written], solutions: Solutions) -> Verdict:
    """Where no known solution matches: do the two sides agree?"""
    values = {symbol: written.value(letters_are_unknown=True) for symbol, written in named.items()}
    if any(not isinstance(value, sympy.Expr) for value in values.values()):
        return undecided("the answer is no number", "substitution")
    letters = set().union(*(each.unknowns for each in system)) - set(named)
    if strange := set().union(*(value.free_symbols for value in values.values())) - letters:
        return undecided(
            f"the answer contains {', '.join(map(str, strange))}, whose value is not known", "substitution"
        )
    for equation in system:
        difference = equation.difference.subs(values)
        if difference.has(sympy.zoo, sympy.nan):
            return wrong("substitution", f"at {_shown(named)} the equation has no value")
        if difference.free_symbols:
            if sympy.simplify(difference) != 0:
                return wrong(
                    "substitution", f"{_shown(named)} leaves {exact_text(sympy.simplify(difference))} instead of 0"
                )
        elif difference.equals(0) is not True and abs(difference.evalf(30)) > 1e-20:
            if (solutions.found and solutions.complete) or not _root_is_near(equation, named):
                return wrong("substitution", _substituted([equation], values))
            return right("substitution", f"a root lies within the rounding of {_shown(named)}", confidence=_ROUNDED)
    return right("substitution", _substituted(system, values))


def _root_is_near(equation: Equation, named: dict[sympy.Symbol, Written]) -> bool:
    if len(named) != 1:
        return False
    ((symbol, written),) = named.items()
    value, tolerance = written.value(letters_are_unknown=True), written.tolerance
    if not tolerance or value.is_real is not True:
        return False
    return changes_sign(equation.difference, symbol, value - tolerance, value + tolerance)


def _check_nothing(problem: EquationProblem, solutions: Solutions, known: list[Solution], said: str) -> Verdict:
    if known or solutions.always:
        return wrong(
            "substitution", _substituted(problem.system, known[0]) if known else "every value satisfies the equation"
        )
    if not solutions.complete:
        return undecided("no solution was found, but there may be one")
    if solutions.found and said == "any" and not problem.bounds and not problem.integers:
        return undecided(
            f"there is no real solution, but {_shown(solutions.found[0])} is a complex one", "recomputation"
        )
    return right("recomputation", "solving the equations again gives no such solution")


def _check_everything(solutions: Solutions, answer: Answer) -> Verdict:
    if solutions.always and answer.everything:
        return right("recomputation", "both sides are identical")
    if solutions.always:
        return wrong("recomputation", "both sides are identical: every value is a solution")
    if solutions.complete:
        return wrong("recomputation", "not every value is a solution")
    return undecided("whether every value is a solution is not known")


def _check_goal(goal: sympy.Expr, solutions: Solutions, known: list[Solution], answer: Answer) -> Verdict:
    if not solutions.complete or not known:
        return undecided("the equations could not be solved completely")
    expected = list(dict.fromkeys(sympy.simplify(goal.subs(each)) for each in known))
    written = [next(iter(alternative.values())) for alternative in answer.alternatives if len(alternative) == 1]
    evidence = f"{exact_text(goal)} is {' or '.join(map(with_decimal, expected))} at {' or '.join(map(_shown, known))}"
    if len(written) != len(answer.alternatives) or any(value.free_symbols for value in expected):
        return undecided(f"the answer is not one value of {exact_text(goal)}")
    matches = [[compare(value, each) for value in expected] for each in written]
    flat = {match for row in matches for match in row}
    good = (Match.EXACT, Match.ROUNDED)
    if Match.CUT_OFF in flat or Match.INCOMPARABLE in flat:
        return undecided(evidence, "substitution")
    every_written = all(any(match in good for match in row) for row in matches)
    every_expected = all(any(row[index] in good for row in matches) for index in range(len(expected)))
    if not every_written or not every_expected:
        return wrong("substitution", evidence)
    return right("substitution", evidence, confidence=_ROUNDED if Match.ROUNDED in flat else 1.0)


def _within(problem: EquationProblem, solution: Solution) -> bool:
    for expression, operator in problem.bounds:
        value = expression.subs(solution).evalf(20)
        holds = {"<": value < 0, "<=": value <= 0, ">": value > 0, ">=": value >= 0, "!=": value != 0, "==": value == 0}
        if holds[operator] != True:  # noqa: E712 - sympy's own truth, or a relation that is not decided
            return False
    return not problem.integers or all(value.is_Integer for value in solution.values())


def _substituted(system: Sequence[Equation], values: dict[sympy.Symbol, Written] | Solution) -> str:
    numbers = {
        symbol: value.value(letters_are_unknown=True) if isinstance(value, Written) else value
        for symbol, value in values.items()
    }
    sides = []
    for equation in system:
        left, right_side = (sympy.simplify(side.subs(numbers)) for side in (equation.left, equation.right))
        sides.append(_sides_text(equation, left, right_side))
    return f"with {_shown(numbers)}: {', '.join(sides)}"


def _sides_text(equation: Equation, left: sympy.Expr, right_side: sympy.Expr) -> str:
    """`3*x - 7 = 8, not 11`, or both sides where both contain unknowns."""
    difference = left - right_side
    equal = difference.equals(0) or (difference.is_number and abs(difference.evalf(20)) < 1e-12)
    needed = text_of(right_side, digits=8)
    reached = needed if equal else text_of(left, digits=8)
    if equation.right.is_number:
        return f"{exact_text(equation.left)} = {reached}{'' if equal else f', not {needed}'}"
    return (
        f"{exact_text(equation.left)} = {reached} {'and' if equal else 'but'} {exact_text(equation.right)} = {needed}"
    )


def _shown(values: dict[sympy.Symbol, Written] | Solution) -> str:
    return ", ".join(
        f"{symbol} = {value.text if isinstance(value, Written) else with_decimal(value)}"
        for symbol, value in values.items()
    )
