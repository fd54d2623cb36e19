"""`validateAnswer` itself: reads the problem, then checks the answer by the means that fit it.

EquationProblem ──▶ substitution        put the answer into the equations, look for missing solutions
ValueProblem    ──▶ recomputation       compute the value again and compare at the shown precision
IdentityProblem ──▶ numeric_sampling    compare both expressions at points; exact for rational functions
none of these   ──▶ none                not decided
"""

from dataclasses import asdict
from typing import Any, Final

import sympy

from penstock.tools.maths.answers import Written, read_answer
from penstock.tools.maths.closeness import Match, numbers_match
from penstock.tools.maths.comparison import compare, proven_equal, sampled
from penstock.tools.maths.errors import MathsError
from penstock.tools.maths.limits import MAX_CHARACTERS
from penstock.tools.maths.notation import exact_text, text_of, with_decimal
from penstock.tools.maths.problems import EquationProblem, IdentityProblem, ValueProblem, read_problem
from penstock.tools.maths.quantities import is_quantity
from penstock.tools.maths.substitution import check_equations
from penstock.tools.maths.verdict import Verdict, right, undecided, wrong

_ROUNDED: Final = 0.95
_SAMPLED: Final = 0.95
_YES_NO: Final = {"yes": "true", "no": "false", "true": "true", "false": "false"}


def validate(problem: str, answer: str) -> dict[str, Any]:
    """The verdict as JSON: never `valid` without a check that was really made."""
    return asdict(verdict_on(problem, answer))


def verdict_on(problem: str, answer: str) -> Verdict:
    if max(len(problem), len(answer)) > MAX_CHARACTERS:
        return undecided(f"problem and answer may have {MAX_CHARACTERS:,} characters at most")
    understood = read_problem(problem)
    if understood is None:
        return undecided("the problem's wording is not understood completely, so nothing was checked")
    try:
        if isinstance(understood, EquationProblem):
            return check_equations(understood, answer)
        written = _single(answer, isinstance(understood, ValueProblem) and isinstance(understood.value, bool))
        if isinstance(understood, ValueProblem):
            return _check_value(understood, written)
        return _check_identity(understood, written)
    except MathsError as reason:
        return undecided(f"not decided: {reason}")


def _single(text: str, is_truth: bool) -> Written:
    if is_truth and (said := _YES_NO.get(text.strip(" .!").lower())):
        return Written(said)
    answer = read_answer(text)
    if len(answer.alternatives) != 1 or len(answer.alternatives[0]) != 1:
        raise MathsError("one value is expected as the answer")
    return next(iter(answer.alternatives[0].values()))


def _check_value(problem: ValueProblem, written: Written) -> Verdict:
    expected = problem.value
    evidence = f"{problem.source} is {with_decimal(expected)}; the answer says {written.text}"
    if problem.percent:
        written = Written(written.text.rstrip("% "), written.about)
    match = compare(expected, written)
    if match is Match.INCOMPARABLE and is_quantity(expected) and problem.unit_given:
        bare = written.value(letters_are_unknown=True)
        if isinstance(bare, sympy.Expr) and bare.is_number:
            match = numbers_match(expected.magnitude, bare, written.tolerance)
    if match is Match.EXACT:
        return right("recomputation", evidence)
    if match is Match.ROUNDED:
        return right("recomputation", f"{evidence}, which agrees within its precision", confidence=_ROUNDED)
    if match is Match.DIFFERENT:
        return wrong("recomputation", evidence)
    reason = "cut off instead of rounded" if match is Match.CUT_OFF else "not comparable: units or kind differ"
    return undecided(f"{evidence} ({reason})", "recomputation")


def _check_identity(problem: IdentityProblem, written: Written) -> Verdict:
    proposed = written.value(letters_are_unknown=True)
    if not isinstance(proposed, sympy.Expr):
        return undecided("the answer is no expression")
    expected, reached = problem.expression, proposed
    if problem.form == "antiderivative":
        assert problem.variable is not None
        constants = proposed.free_symbols - expected.free_symbols - {problem.variable}
        reached = sympy.diff(proposed.subs(dict.fromkeys(constants, 0)), problem.variable)
    counted, counterexample = sampled(expected, reached)
    if counterexample is not None:
        return wrong("numeric_sampling", _disagreement(problem, expected, reached, counterexample))
    if counted < 4:
        return undecided("too few points at which both expressions have a value", "numeric_sampling")
    if (complaint := _complaint(problem, proposed)) is not None:
        return complaint
    evidence = f"{problem.source}: agrees with {exact_text(proposed)} at {counted} points"
    if proven_equal(expected, reached):
        return right("numeric_sampling", f"{evidence}, and the difference is identically 0")
    return right("numeric_sampling", evidence, confidence=_SAMPLED)


def _disagreement(
    problem: IdentityProblem, expected: Any, reached: Any, point: dict[sympy.Symbol, sympy.Rational]
) -> str:
    where = ", ".join(f"{letter} = {value}" for letter, value in point.items()) or "every point"
    left, answered = (text_of(each.subs(point), digits=8) for each in (expected, reached))
    what = "the derivative of the answer" if problem.form == "antiderivative" else "the answer"
    return f"at {where}: {problem.source} gives {left}, {what} {answered}"


def _complaint(problem: IdentityProblem, proposed: sympy.Expr) -> Verdict | None:
    """Equal, but is it in the form that was asked for?"""
    original = problem.expression
    if problem.form == "expand" and sympy.expand(proposed) != proposed:
        return wrong("recomputation", f"equal, but not expanded: {exact_text(sympy.expand(original))}")
    if problem.form == "factor":
        factors = sum(multiplicity for _, multiplicity in sympy.factor_list(original)[1])
        if factors > 1 and not isinstance(proposed, sympy.Mul | sympy.Pow):
            return wrong("recomputation", f"equal, but not factored: {exact_text(sympy.factor(original))}")
    if problem.form == "simplify" and sympy.simplify(original).count_ops() < proposed.count_ops():
        return undecided(f"equal, but {exact_text(sympy.simplify(original))} is shorter", "numeric_sampling")
    return None
