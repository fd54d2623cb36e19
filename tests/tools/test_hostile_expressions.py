"""Whatever is asked, a tool error comes within the limit, and the next call works."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.tools.calculate import CalculateInput, calculate
from penstock.tools.maths.vocabulary import FUNCTION_NAMES
from penstock.tools.sandbox import Sandbox
from penstock.tools.validate_answer import ValidateAnswerInput, validate_answer
from tests.tools.conftest import leaving_nothing

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Two seconds of work, and what a busy machine adds.
LIMIT = 4.0

REFUSED = {
    "a tower of powers": "9**9**9**9",
    "a tower of powers in mathjs": "9^9^9^9",
    "a power of ten": "10^10^10",
    "an irrational power": "sqrt(2)^(10^9)",
    "a factorial": "factorial(10^9)",
    "a factorial sign": "(10^9)!",
    "ten thousand brackets": "(" * 10_000 + "1" + ")" * 10_000,
    "nine hundred brackets": "(" * 900 + "1" + ")" * 900,
    "a chain of signs": "-" * 1_900 + "1",
    "a chain of sums": "1+" * 900 + "1",
    "a megabyte of digits": "9" * 1_000_000,
    "a long number": "9" * 1_900,
    "a huge exponent": "1e999999999",
    "python's import": "__import__('os').system('id')",
    "an attribute": "(1).__class__.__mro__",
    "a lambda": "(lambda: 1)()",
    "a function of python": "eval('1+1')",
    "a string as code": "simplify('__import__(\"os\")')",
    "a unit tower": "km^2^2^2^2^9",
    "many prefixes": "kilo" * 100 + "m",
    "a unit expression of pint": "meter**99999999",
    "full-width digits": "２＾３",
    "a zero-width space": "2\u200b+2",
    "a cyrillic letter": "а + 1",
    "a null byte": "1\x002",
    "a huge matrix": "[[" + "1," * 950 + "1]]",
    "a huge identity": "identity(10^6)",
    "a symbolic determinant": "det([" + ",".join(["[a,b,c,d,f,h,j,k]"] * 8) + "])",
    "many equations": ";".join(f"x{n} + 1 = {n}" for n in range(50)),
    "a long result": "(10^900;" + "10^900;" * 20 + ")",
}  # fmt: skip
EXHAUSTING = ("expand((x+y+z)^200)", "derivative(x^x^x^x, x, 10)")


@pytest_asyncio.fixture(loop_scope="session")
async def own_sandbox() -> AsyncIterator[Sandbox]:
    """For tests that cost children: they are replaced in the background."""
    async with leaving_nothing(Sandbox()) as sandbox:
        await sandbox.start()
        yield sandbox


async def still_works(sandbox: Sandbox) -> bool:
    return (await calculate(CalculateInput(expression="6 * 7"), sandbox=sandbox)).result == "42"


@pytest.mark.parametrize("expression", REFUSED.values(), ids=REFUSED.keys())
async def test_a_hostile_expression_costs_a_clear_error(expression: str, sandbox: Sandbox):
    started = time.perf_counter()
    output = await calculate(CalculateInput(expression=expression), sandbox=sandbox)
    assert not output.success
    assert 10 < len(output.error or "") < 300
    assert time.perf_counter() - started < LIMIT
    assert await still_works(sandbox)


async def test_endless_work_is_stopped_and_the_next_call_works(own_sandbox: Sandbox):
    async def one(expression: str) -> str | None:
        return (await calculate(CalculateInput(expression=expression), sandbox=own_sandbox)).error

    errors = await asyncio.gather(*map(one, EXHAUSTING))
    assert all("longer than 2 seconds" in (error or "") for error in errors)
    assert await still_works(own_sandbox)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [*"0123456789xy()[]+-*/^!%',;= ", *sorted(FUNCTION_NAMES - {"integrate"}), "km", "deg", "to", "i", "of"]
        ),
        max_size=12,
    ).map("".join)
)
async def test_junk_never_crashes_a_tool_or_exceeds_the_limit(own_sandbox: Sandbox, junk: str):
    started = time.perf_counter()
    output = await calculate(CalculateInput(expression=junk), sandbox=own_sandbox)
    assert output.success is (output.error is None)
    request = ValidateAnswerInput(original_problem=junk, proposed_answer=junk[::-1], validation_method="any")
    verdict = await validate_answer(request, sandbox=own_sandbox)
    assert (verdict.confidence > 0) is (verdict.is_valid is not None)
    assert time.perf_counter() - started < 3 * LIMIT, "two calls, and perhaps a child that is replaced between them"
