"""`calculate` is mathjs: what it says is what mathjs says in Node."""

import json
import math
import operator
import re
import runpy
import subprocess
from contextlib import aclosing
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.tools.calculate import CalculateInput, CalculateOutput, calculate
from penstock.tools.sandbox import Sandbox
from tests.tools.expressions import FAMILIES

pytestmark = pytest.mark.asyncio(loop_scope="package")
_MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@pytest.fixture(scope="module")
def in_node() -> dict[str, str]:
    """expression -> what mathjs makes of it in Node."""
    root = Path(__file__).parents[2]
    assets = runpy.run_path(str(root / "npm" / "assets.py"))
    assets["ensure_modules"]()
    with assets["node"]() as (program, _):
        command = [program, str(Path(__file__).with_name("node.js"))]
        said = subprocess.run(command, input=json.dumps(FAMILIES), capture_output=True, text=True, check=True)
    assert len(FAMILIES) > 200
    return dict(zip(FAMILIES, json.loads(said.stdout), strict=True))


def same(ours: str, theirs: str) -> bool:
    """The same text, and the numbers in it equal to 12 digits."""
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in (ours, theirs)]
    alike = [_NUMBER.sub("#", text) for text in (ours, theirs)]
    return alike[0] == alike[1] and all(
        math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15) for a, b in zip(*numbers, strict=True)
    )


async def answer(expression: str, sandbox: Sandbox) -> CalculateOutput:
    return await calculate(CalculateInput(expression=expression), sandbox=sandbox)


@pytest.mark.parametrize("expression", FAMILIES)
async def test_an_expression_has_the_value_that_mathjs_gives_it(
    expression: str, sandbox: Sandbox, in_node: dict[str, str]
) -> None:
    output = await answer(expression, sandbox)
    assert output.success, output.error
    assert same(output.result or "", in_node[expression]), (output.result, in_node[expression])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("2 +", "Unexpected end of expression"),
        ("2 3", 'Unexpected part "3"'),
        ("foo + 1", "Undefined symbol foo; define it first"),
        ("sqroot(2)", "Undefined function sqroot; there is no such function"),
        ("solve(x=1)", "there is no such function"),
        ("2 × 3", "write *"),
        ("2 · 3", "write *"),
        ("6 ÷ 2", "write /"),
        ("5 − 3", "write - for minus"),
        ("10 m to s", "Units do not match"),
        ("5 m + 3", "a unit and a plain number do not add"),
        ("sqrt(1, 2, 3)", "Too many arguments in function sqrt"),
        ("[1, 2] * [1, 2, 3]", "must have the same length"),
        ("inv([1, 2; 2, 4])", "determinant is zero"),
        ("1,000 + 1", "without thousands separators"),
        ("", "the expression is empty"),
        ("# only a comment", "the expression is empty"),
        ("sin", "call it"),
        ("15% of 80", "write 15% * 80"),
        ("50% + 50%", "write each percentage in brackets"),
        ("2x + 3 = 11", "an equation is not solved here"),
    ],
)
async def test_an_error_says_what_is_wrong_and_what_to_do(expression: str, words: str, sandbox: Sandbox) -> None:
    output = await answer(expression, sandbox)
    assert not output.success
    assert output.result is None
    assert words in (output.error or "")
    assert "\n" not in (output.error or "")


async def test_on_the_wire_the_names_are_those_of_the_guide(sandbox: Sandbox) -> None:
    good = (await answer("1 + 1", sandbox)).model_dump(mode="json", by_alias=True)
    bad = (await answer("foo", sandbox)).model_dump(mode="json", by_alias=True)
    assert good == {"result": "2", "expression": "1 + 1", "success": True}
    assert bad.keys() == {"expression", "success", "error"}


@pytest.mark.parametrize("definition", ["secret = 7", "secret(x) = 7", "pi = 3; secret = pi", "sin(x) = 7"])
async def test_a_call_sees_nothing_of_another(definition: str) -> None:
    """Names, and what a definition hides, are gone with the call that made them."""
    async with aclosing(Sandbox(size=1)) as sandbox:
        assert (await answer(definition, sandbox)).error in (
            None,
            "that is a function: call it, as in f(x) = x^2; f(3)",
        )
        assert "Undefined" in ((await answer("secret", sandbox)).error or "")
        assert "Undefined" in ((await answer("secret(1)", sandbox)).error or "")
        assert (await answer("sin(pi / 2)", sandbox)).result == "1"


#: An expression with the value that Python's fractions give it; None where it divides by zero.
Valued = tuple[str, Fraction | None]


def arithmetic() -> st.SearchStrategy[Valued]:

    def combine(parts: tuple[Valued, str, Valued]) -> Valued:
        (left, a), symbol, (right, b) = parts
        defined = a is not None and b is not None and not (symbol == "/" and b == 0)
        return f"({left}) {symbol} ({right})", _OPERATORS[symbol](a, b) if defined else None

    integers = st.integers(-999, 999).map(lambda n: (str(n), Fraction(n)))
    symbols = st.sampled_from("+-*/")
    return st.recursive(integers, lambda inner: st.tuples(inner, symbols, inner).map(combine), max_leaves=5)


@_MANY
@given(arithmetic())
async def test_exact_arithmetic_agrees_with_exact_fractions(sandbox: Sandbox, case: Valued) -> None:
    expression, expected = case
    exact = re.sub(r"\((-?\d+)\)", r"fraction(\1)", f"({expression})")
    output = await answer(exact, sandbox)
    if expected is None:
        return
    assert output.result is not None, output.error
    equal = f"{exact} == fraction({expected.numerator}, {expected.denominator})"
    assert (await answer(equal, sandbox)).result == "true"
