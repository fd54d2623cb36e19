"""`calculate` speaks the dialect of mathjs, exactly where numbers are exact."""

import operator
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.tools.calculate import CalculateInput, CalculateOutput, calculate
from penstock.tools.sandbox import Sandbox
from tests.tools.expressions import EXPRESSIONS

pytestmark = pytest.mark.asyncio(loop_scope="session")
_MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


async def answer(expression: str, sandbox: Sandbox) -> CalculateOutput:
    return await calculate(CalculateInput(expression=expression), sandbox=sandbox)


@pytest.mark.parametrize(("expression", "result"), EXPRESSIONS.items())
async def test_an_expression_has_the_value_a_user_of_mathjs_expects(expression: str, result: str, sandbox: Sandbox):
    assert await answer(expression, sandbox) == CalculateOutput(expression=expression, success=True, result=result)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1/0", "division by zero"),
        ("log(0)", "logarithm of 0"),
        ("2 +", "ends too early"),
        ("2 3", "not expected"),
        ("foo + 1", "unknown name 'foo'"),
        ("sqroot(2)", "unknown name 'sqroot'"),
        ("10 m to s", "cannot be converted"),
        ("5 m + 3", "without one"),
        ("sqrt(1, 2, 3)", "takes 1 argument"),
        ("[1, 2] * [3, 4]", "cannot be multiplied"),
        ("inv([[1, 2], [2, 4]])", "singular"),
        ("1,000 + 1", "without thousands separators"),
        ("f(x) = x^2", "functions cannot be defined"),
        ("", "empty"),
        ("2x + 3 = 11; 5", "cannot be mixed"),
        ("3 = 4", "false"),
    ],
)
async def test_an_error_says_what_is_wrong_with_the_expression(expression: str, words: str, sandbox: Sandbox):
    output = await answer(expression, sandbox)
    assert not output.success
    assert output.result is None
    assert words in (output.error or "")


async def test_on_the_wire_the_names_are_those_of_the_guide(sandbox: Sandbox):
    good = (await answer("1 + 1", sandbox)).model_dump(mode="json", by_alias=True)
    bad = (await answer("1/0", sandbox)).model_dump(mode="json", by_alias=True)
    assert good == {"result": "2", "expression": "1 + 1", "success": True}
    assert bad.keys() == {"expression", "success", "error"}


def arithmetic() -> st.SearchStrategy[tuple[str, Fraction | None]]:
    """Expressions with the value that Python's fractions give them; None where they divide by zero."""

    def combine(parts: tuple[tuple[str, Fraction | None], str, tuple[str, Fraction | None]]):
        (left, a), symbol, (right, b) = parts
        defined = a is not None and b is not None and not (symbol == "/" and b == 0)
        return f"({left}) {symbol} ({right})", _OPERATORS[symbol](a, b) if defined else None

    integers = st.integers(-999, 999).map(lambda n: (str(n), Fraction(n)))
    decimals = st.decimals(-99, 99, places=2).map(lambda d: (f"{d:f}", Fraction(d)))
    symbols = st.sampled_from("+-*/")
    return st.recursive(integers | decimals, lambda inner: st.tuples(inner, symbols, inner).map(combine), max_leaves=8)


@_MANY
@given(arithmetic())
async def test_arithmetic_agrees_with_exact_fractions(sandbox: Sandbox, case: tuple[str, Fraction | None]):
    expression, expected = case
    output = await answer(expression, sandbox)
    if expected is None:
        assert "division by zero" in (output.error or "")
    else:
        assert output.result is not None
        assert abs(Fraction(output.result) - expected) <= abs(expected) / 10**13
