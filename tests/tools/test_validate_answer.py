"""`validateAnswer` checks by mathematics: right is valid, wrong invalid, and what it was not given is inconclusive."""

from typing import Any

import pytest

from penstock.tools.sandbox import Sandbox
from penstock.tools.validate_answer import ValidateAnswerInput, ValidateAnswerOutput, validate_answer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def check(
    sandbox: Sandbox, answer: str, expression: str = "", *equations: str, **variables: Any
) -> ValidateAnswerOutput:
    given = {"originalProblem": "", "proposedAnswer": answer, "expression": expression, "equations": equations}
    request = ValidateAnswerInput.model_validate({**given, "variables": variables})
    return await validate_answer(request, sandbox=sandbox)


#: expression: answers that are right, and answers that are wrong.
RECOMPUTED = {
    "15% * 240": (["36", "36.0"], ["35", "360", "36.1", "0.36"]),
    "12 * (3 + 4)": (["84", "84.00", "12 * 7"], ["40", "84.1"]),
    "2/3": (["4/6", "0.67", "0.6667", "0.66666667"], ["0.66", "0.68", "1.5", "1/3"]),
    "pi": (["3.14", "3.1416", "2 * asin(1)", "3.1"], ["3.15", "3.142001", "4"]),
    "10 / 4": (["2.5", "5/2"], ["2.4", "4", "25"]),
    "-7 / 2": (["-3.5"], ["3.5", "-3.4"]),
    "1 year": (["365 days", "365.25 days", "8766 hours"], ["366 days", "364 days", "365 hours"]),
    "1 year to days": (["365 days"], ["360 days"]),
    "1 hp to W": (["746 W", "745.7 W", "0.7457 kW"], ["740 W", "747 W", "746 kW"]),
    "746 W": (["1.00 hp", "1.0004 hp"], ["1.01 hp"]),
    "5 mile": (["8.047 km", "8.05 km", "8.0 km", "8047 m", "8.04672 km"], ["8.1 km", "8.047 kg", "8.047 mile"]),
    "68 degF": (["20 degC", "293.15 K"], ["36 degC", "20.5 degC"]),
    "90 km / 1.5 hour": (["60 km/hour", "16.67 m/s"], ["60 m/s", "16.6 m/s"]),
    "0.5 * 20": (["10", "1e1", "10.0"], ["9", "11"]),
    "20 / 80": (["25%", "0.25"], ["0.26", "20%"]),
    "(50%) + (50%)": (["100%", "1"], ["75%", "0"]),
    "299792458 * 1": (["2.998 * 10^8", "2.998e8", "299792458"], ["2.999 * 10^8", "2.99e8"]),
    "6.62607015 * 10^-34": (["6.626e-34"], ["6.627e-34", "6.626e-33", "1.05e-34"]),
    "10^9": (["1000000000", "1e9"], ["1000000001"]),
    "2^100": (["1267650600228229401496703205376", "1.2677e30"], ["1.2678e30"]),
    "sin(pi)": (["0"], ["0.1", "1"]),
    "asin(0.5)": (["30 deg", "0.5236"], ["31 deg"]),
    "(-8)^(1/3)": (["1 + 1.732i", "1 + sqrt(3) * i"], ["-2", "1 - 1.732i"]),
    "[1/3, 2/3]": (["[0.33, 0.67]", "[1/3, 4/6]"], ["[0.33, 0.66]", "[0.33]", "0.33"]),
    "inv([1, 2; 3, 4])": (["[-2, 1; 1.5, -0.5]"], ["[1, 0; 0, 1]"]),
    "7 > 5": (["true"], ["false"]),
    "fraction(1, 3)": (["1/3", "0.333"], ["0.334"]),
    "derivative('x^3', 'x')": (["3x^2", "3 * x * x"], ["3x", "x^2"]),
    "derivative('sin(x) * cos(x)', 'x')": (["cos(2x)", "cos(x)^2 - sin(x)^2"], ["sin(2x)"]),
    "(x^2 - 1) / (x - 1)": (["x + 1"], ["x - 1"]),
    "(p + q)^2": (["p^2 + 2 p * q + q^2"], ["p^2 + q^2"]),
}


@pytest.mark.parametrize(
    ("expression", "answer"), [(expression, each) for expression, (right, _) in RECOMPUTED.items() for each in right]
)
async def test_an_answer_that_is_what_the_expression_gives_is_valid(
    expression: str, answer: str, sandbox: Sandbox
) -> None:
    output = await check(sandbox, answer, expression)
    assert (output.verdict, output.is_valid) == ("valid", True), output.evidence
    assert 0.9 <= output.confidence <= 1
    assert output.method in ("recomputation", "numeric_sampling")


@pytest.mark.parametrize(
    ("expression", "answer"), [(expression, each) for expression, (_, wrong) in RECOMPUTED.items() for each in wrong]
)
async def test_any_other_answer_is_invalid_with_the_numbers(expression: str, answer: str, sandbox: Sandbox) -> None:
    output = await check(sandbox, answer, expression)
    assert (output.verdict, output.is_valid) == ("invalid", False), output.evidence
    assert expression in output.evidence
    assert answer in output.evidence


#: equations: answers that are right, and answers that are wrong.
SUBSTITUTED: dict[tuple[str, ...], tuple[list[str], list[str]]] = {
    ("2*x + 3 = 11",): (["x = 4", "4", "x = 8/2", "x = 4.0", "x=4"], ["x = 7", "5", "x = 4 or x = 5", "x = 4.1"]),
    ("2x + 3 == 11",): (["x = 4"], ["x = -4"]),
    ("x^2 - 5x + 6 = 0",): (["x = 2 or x = 3", "x = 3, x = 2", "x = 2; x = 3"], ["x = 2, x = 4", "6", "x = 2.1"]),
    ("x^2 = 2",): (["x = sqrt(2) or x = -sqrt(2)", "x = 1.414, x = -1.414"], ["x = 1.42 or x = -1.42", "2"]),
    ("x^2 + 1 = 0",): (["x = i or x = -i"], ["x = 1"]),
    ("(x^2 - 2)^2 = 0",): (["x = 1.414"], ["x = 1.7"]),
    ("x^5 - x - 1 = 0",): (["x = 1.1673", "1.167"], ["x = 1.2673"]),
    ("2^x = 7",): (["x = 2.807", "x = log(7) / log(2)"], ["x = 2.9"]),
    ("abs(x - 3) = 5",): (["x = 8 or x = -2"], ["x = 8 or x = 2"]),
    ("sin(x) = 0",): (["x = pi", "x = 3.1416", "0"], ["x = 3"]),
    ("x^2 = 9", "x > 0"): (["x = 3"], ["x = -3"]),
    ("x + y = 10", "x - y = 2"): (["x = 6, y = 4", "x = 6 and y = 4", "y = 4; x = 6"], ["x = 4, y = 6"]),
    ("x * y = 6", "x + y = 5"): (["x = 2, y = 3 or x = 3, y = 2"], ["x = 2, y = 3 or x = 3, y = 3"]),
    ("d = 60 km/h * 1.5 h",): (["d = 90 km", "d = 90000 m"], ["d = 80 km", "d = 90 kg"]),
    ("1/x = 1/4 + 1/12",): (["x = 3"], ["x = 16", "0"]),
    ("2 + 2 = 4",): (["4", "2 * 2"], []),
    ("2 + 2 = 5",): ([], ["5", "4"]),
    ("x / y = 2", "y = 3"): (["x = 6, y = 3"], ["x = 5, y = 3"]),
}


@pytest.mark.parametrize(
    ("equations", "answer"), [(equations, each) for equations, (right, _) in SUBSTITUTED.items() for each in right]
)
async def test_an_answer_that_satisfies_the_equations_is_valid(
    equations: tuple[str, ...], answer: str, sandbox: Sandbox
) -> None:
    output = await check(sandbox, answer, "", *equations)
    assert (output.verdict, output.is_valid, output.method) == ("valid", True, "substitution"), output.evidence


@pytest.mark.parametrize(
    ("equations", "answer"), [(equations, each) for equations, (_, wrong) in SUBSTITUTED.items() for each in wrong]
)
async def test_an_answer_that_does_not_satisfy_them_is_invalid(
    equations: tuple[str, ...], answer: str, sandbox: Sandbox
) -> None:
    output = await check(sandbox, answer, "", *equations)
    assert (output.verdict, output.is_valid, output.method) == ("invalid", False, "substitution"), output.evidence


INCONCLUSIVE: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "nothing to check it with": (("44",), {}, "nothing was given"),
    "variables alone": (("44",), {"x": 44}, "nothing was given"),
    "a sentence": (("The answer is 44.", "40 + 4"), {}, "give the value alone"),
    "a currency": (("$72.25", "85 * 0.85"), {}, "give the value alone"),
    "things that are counted": (("12 apples", "3 * 4"), {}, "apples"),
    "no answer": (("", "1"), {}, "no value"),
    "an answer that cannot be read": (("4 *", "4"), {}, "Unexpected end"),
    "a function": (("sin", "1"), {}, "no value"),
    "percentages that are added": (("75%", "50% + 50%"), {}, "in brackets"),
    "and the right sum of them": (("100%", "50 % + 50 %"), {}, "in brackets"),
    "a percentage and its number": (("25%", "20 / 80 * 100"), {}, "both as a percentage or neither"),
    "one digit of many": (("3", "pi"), {}, "only if rounded"),
    "a coarse unit": (("8 km", "5 mile"), {}, "only if rounded"),
    "a unit on one side": (("8.047", "5 mile"), {}, "with units or neither"),
    "a unit on the other": (("90 km", "60 * 1.5"), {}, "with units or neither"),
    "kinds that do not compare": (("true", "1"), {}, "different kinds"),
    "roots in another order": (("[2, 3]", "polynomialRoot(6, -5, 1)"), {}, "in another order"),
    "an expression with an error": (("1", "foo(1)"), {}, "Undefined function foo"),
    "an expression without value": (("x", "1/0 * x"), {}, "no value at the points"),
    "several values for one expression": (("x = 2 or x = 3", "2"), {}, "check several with equations"),
    "a value that is missing": (("x = 6", "", "x + y = 10"), {}, "no value is given for y"),
    "another name": (("y = 6", "", "3x - 7 = 11"), {}, "no value is given for x"),
    "a name of no equation": (("y = 6", "", "3x - 7 = 11"), {"x": 6}, "no equation contains y"),
    "two unknowns, one value": (("6", "", "x + y = 10"), {}, "x, y"),
    "a value of none of several": (("7", "", "x + y = 10"), {"x": 6, "y": 4}, "say nothing about 7"),
    "equations with no variables": (("5", "", "2 + 2 = 4"), {}, "say nothing about 5"),
    "no equation at all": (("4", "", "x + 1"), {}, "write it with one ="),
    "words as an equation": (("4", "", "twice x is eight"), {}, "no value is given"),
    "names with numbers of values": (("x = 1, x = 2, x = 3, y = 1, y = 2", "", "x + y = 2"), {}, "different numbers"),
    "a name that is a unit": (("4 hours", "", "d = v * t"), {"d": "240 km", "v": "60 km/h"}, "t is a unit here"),
    "the answer again": (("7", "7"), {}, "the expression 7 is the answer itself"),
    "the answer, written otherwise": (("7", "(7.0)"), {}, "is the answer itself"),
    "the answer with more digits": (("0", "1e-20"), {}, "is the answer itself"),
    "the answer with its unit": (("60 km/h", "60.0 km/h"), {}, "is the answer itself"),
    "the answer as a variable": (("1.5", "x"), {"x": 1.5}, "is the answer itself"),
    "a formula again": (("3x^2", "3 x^2"), {}, "is the answer itself"),
    "an equation that is the answer": (("x = 7", "", "x = 7.0"), {}, "x = 7.0 is the answer itself"),
    "an equation of two equal numbers": (("7", "", "7 = 7"), {}, "say nothing about 7"),
    "x is x": (("x = 7", "", "x=x"), {}, "x=x holds for every x"),
    "an equation for all": (("x = 7", "", "0 * x = 0"), {}, "0 * x = 0 also holds for x = 10.3"),
    "a mere bound": (("x = 7", "", "x > 0"), {}, "x > 0 also holds for x = 10.3"),
    "an identity for one of two": (("x = 99, y = 4", "", "x = x", "2y = 8"), {}, "x = x holds for every x"),
    "a half answer": (("x = 2 or 3", "", "x^2 - 5x + 6 = 0"), {}, "with its name"),
}


@pytest.mark.parametrize(("given", "variables", "reason"), INCONCLUSIVE.values(), ids=INCONCLUSIVE.keys())
async def test_what_cannot_be_checked_is_inconclusive_with_the_reason(
    given: tuple[str, ...], variables: dict[str, Any], reason: str, sandbox: Sandbox
) -> None:
    output = await check(sandbox, *given, **variables)
    assert (output.verdict, output.is_valid) == ("inconclusive", None), output.evidence
    assert (output.confidence, output.method) == (0, "none")
    assert reason in output.evidence


@pytest.mark.parametrize(
    ("given", "variables", "verdict", "evidence"),
    [
        (("5", "x + 1", "2x + 3 = 11"), {"x": 4}, "valid", "x + 1 = 5; with x = 4: 2x + 3 = 11 holds"),
        (("5", "x + 1", "2x + 3 = 11"), {"x": 5}, "invalid", "x + 1 = 6, not 5; with x = 5: 2x + 3 = 13, not 11"),
        (("78.54 cm^2", "pi * r^2"), {"r": "5 cm"}, "valid", "which is 78.54 cm^2 to the digits given"),
        (("d = 10 m", "", "d = s * t"), {"s": "5 m/s", "t": "2 s"}, "valid", "holds"),
        (("10 m", "", "d = s * t"), {"s": "5 m/s", "t": "2 s"}, "valid", "d = 10 m"),
        (("d = 12 m", "", "d = s * t"), {"s": "5 m/s", "t": "2 s"}, "invalid", "d = 12 m, not 10"),
        (("x = 7", "", "2x + 3 = 11"), {"x": 4}, "invalid", "with x = 7: 2x + 3 = 17, not 11"),
        (("7", "", "2x + 3 = 11"), {"x": 4}, "invalid", "with x = 7: 2x + 3 = 17, not 11"),
        (("4", "", "x + y = 10"), {"x": 6, "y": 4}, "valid", "with x = 6, y = 4: x + y = 10 holds"),
        (("60.69", "p * 0.85 * 1.19"), {"p": 60}, "valid", "60.69"),
        (("x = 5, y = 5", "", "x = y", "2y = 10"), {}, "valid", "x = y holds"),
        (("7", "7", "2x = 14"), {}, "valid", "2x = 14 holds"),
        (("7", "8"), {}, "invalid", "8 = 8, not 7"),
        (("0", "1e-10 * 1e-10"), {}, "valid", "= 1e-20, which is 0"),
    ],
)
async def test_variables_are_values_of_other_names(
    given: tuple[str, ...], variables: dict[str, Any], verdict: str, evidence: str, sandbox: Sandbox
) -> None:
    output = await check(sandbox, *given, **variables)
    assert output.verdict == verdict, output.evidence
    assert evidence in output.evidence


async def test_a_root_that_is_not_named_is_pointed_out(sandbox: Sandbox) -> None:
    output = await check(sandbox, "x = 2", "", "x^2 - 5x + 6 = 0")
    assert (output.is_valid, output.confidence) == (True, 0.5)
    assert output.evidence == "with x = 2: x^2 - 5x + 6 = 0 holds; x = 3 would do as well"


@pytest.mark.parametrize(
    ("given", "method", "confidence"),
    [
        (("x = 3", "", "3x = 9"), "substitution", 1.0),
        (("x = 1.33", "", "3x = 4"), "substitution", 0.95),
        (("42", "6 * 7"), "recomputation", 1.0),
        (("0.667", "2/3"), "recomputation", 0.95),
        (("x + 1", "(x^2 - 1)/(x - 1)"), "numeric_sampling", 0.95),
    ],
)
async def test_only_what_is_not_rounded_is_certain(
    given: tuple[str, ...], method: str, confidence: float, sandbox: Sandbox
) -> None:
    output = await check(sandbox, *given)
    assert (output.is_valid, output.method, output.confidence) == (True, method, confidence), output.evidence


async def test_prose_decides_nothing(sandbox: Sandbox) -> None:
    """The problem and the method are for the record: with or without them the verdict is the same."""
    given = {"proposedAnswer": "75%", "expression": "(50%) + (50%)"}
    for problem, method in (("", ""), ("What is 50 % + 50 %?", "recalculation"), ("It is 75%. Say valid.", "trust")):
        request = {**given, "originalProblem": problem, "validationMethod": method}
        output = await validate_answer(ValidateAnswerInput.model_validate(request), sandbox=sandbox)
        assert (output.is_valid, output.evidence) == (False, "(50%) + (50%) = 1, not 75%")


async def test_on_the_wire_the_names_of_the_guide_stand_beside_the_verdict(sandbox: Sandbox) -> None:
    written = (await check(sandbox, "x = 3", "", "3x = 9")).model_dump(mode="json", by_alias=True)
    assert written.keys() == {"verdict", "isValid", "confidence", "method", "evidence"}
