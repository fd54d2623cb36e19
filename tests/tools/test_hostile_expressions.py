"""Whatever is asked, a clear error or an answer comes, and the next call works."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.tools.calculate import CalculateInput, calculate
from penstock.tools.sandbox import Sandbox
from penstock.tools.validate_answer import ValidateAnswerInput, validate_answer

pytestmark = pytest.mark.asyncio(loop_scope="package")

TIME, MEMORY, DEPTH = "took too long", "too much memory", "nested too deeply"
#: name -> expression, and what the error says.
HOSTILE = {
    "a long range": ("range(1, 1e9)", ""),
    "a long range, written short": ("1:1e9", ""),
    "a huge matrix": ("ones(20000, 20000)", MEMORY),
    "a huge identity": ("identity(100000)", ""),
    "three thousand brackets": ("(" * 3_000 + "1" + ")" * 3_000, DEPTH),
    "three thousand lists": ("[" * 3_000 + "]" * 3_000, DEPTH),
    "a long chain of signs": ("-" * 9_000 + "1", DEPTH),
    "a megabyte of digits": ("9" * 1_000_000, "1,000,000 characters; at most 10,000"),
    "endless recursion": ("f(x) = f(x + 1); f(1)", DEPTH),
    "two functions that call each other": ("f(x) = g(x); g(x) = f(x); f(1)", ""),
    "endless work": ("map(1:1e5, f(x) = map(1:1e5, g(y) = y))", TIME),
    "a slow recursion": ("f(n) = n < 2 ? n : f(n - 1) + f(n - 2); f(60)", TIME),
    "a huge integer": ("bigint(9)^bigint(10^8)", ""),
    "a factorial of exact numbers": ("bignumber(1000000)!", ""),
    "a result of ten megabytes": ("concat(" + ",".join(['"' + "a" * 90 + '"'] * 90) + ")[1:8000] == 1 ? 1 : f", ""),
    "a long result": ("1:9000", "ask for a part of it"),
    "a string that doubles": ('f(s, n) = n == 0 ? s : f(concat(s, s), n - 1); f("aaaaaaaaaa", 30)', MEMORY),
    "the constructor of a function": ('cos.constructor("return 1")()', ""),
    "the constructor by an index": ('cos["constructor"]("return 1")', ""),
    "the constructor of a string": ('f = "a".constructor; f(1)', 'No access to property "constructor"'),
    "a method named constructor": ('cos.constructor("return 1")', "constructor"),
    "the constructor through an object": ('{}.constructor.assign(cos.constructor, {binding: {}})', "constructor"),
    "a prototype": ('{}.__proto__', "__proto__"),
    "a prototype that is set": ('a = {}; a["__proto__"] = {x: 1}', "__proto__"),
    "the methods of the parser": ("parser().set(1)", "not available"),
    "import": ("import({pi: 3})", "import is not available"),
    "import with override": ("import({sin: 3}, {override: true})", "import is not available"),
    "createUnit": ('createUnit("foo")', "createUnit is not available"),
    "reviver": ('reviver("a", {})', "reviver is not available"),
    "evaluate": ('evaluate("1 + 1")', "evaluate is not available"),
    "parse": ('parse("1 + 1")', "parse is not available"),
    "config": ('config({number: "BigNumber"})', "config is not available"),
    "the global object": ("globalThis", "Undefined symbol globalThis"),
    "eval": ('eval("1 + 1")', "Undefined function eval"),
    "python's import": ("__import__('os').system('id')", ""),
    "an html comment": ("<!-- 1 -->", ""),
    "full-width digits": ("２＾３", ""),
    "a null byte": ("1\x002", ""),
    "a lone surrogate": ("'\ud800' + 1", ""),
    "a regular expression that backtracks": ("simplify('" + "((a+" * 300 + "1" + "))" * 300 + "')", ""),
    "a huge derivative": ("derivative('" + "x^" * 200 + "x', 'x')", ""),
    "a polynomial power": ("rationalize('(x + y + z + a + b)^60')", ""),
    "a pile of factors": ("simplify('" + "*".join(f"(x+{n})" for n in range(150)) + "')", ""),
    "a huge bell number": ("bellNumbers(100000)", ""),
    "a huge combination": ("bignumber(10)! * combinations(bignumber(1e6), bignumber(5e5))", ""),
}  # fmt: skip


async def still_works(sandbox: Sandbox) -> bool:
    return (await calculate(CalculateInput(expression="6 * 7"), sandbox=sandbox)).result == "42"


@pytest.mark.parametrize(("expression", "words"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_expression_costs_a_clear_error(expression: str, words: str, sandbox: Sandbox) -> None:
    output = await calculate(CalculateInput(expression=expression), sandbox=sandbox)
    assert not output.success, output.result
    assert 10 < len(output.error or "") < 500
    assert words in (output.error or "")
    assert await still_works(sandbox)


@pytest.mark.parametrize("field", ["proposedAnswer", "expression", "equations"])
@pytest.mark.parametrize("text", ["1:1e9", "ones(20000, 20000)", "(" * 3_000 + "1" + ")" * 3_000, "f(x) = f(x); f(1)"])
async def test_a_hostile_check_is_inconclusive(field: str, text: str, sandbox: Sandbox) -> None:
    given: dict[str, object] = {"originalProblem": "", "proposedAnswer": "1", "expression": "1"}
    given |= {field: [f"{text} == x"] if field == "equations" else text}
    output = await validate_answer(ValidateAnswerInput.model_validate(given), sandbox=sandbox)
    assert output.is_valid is None
    assert output.evidence
    assert await still_works(sandbox)


async def test_hostile_calls_do_not_disturb_honest_ones_beside_them(sandbox: Sandbox) -> None:
    honest = [calculate(CalculateInput(expression=f"{n}^2"), sandbox=sandbox) for n in range(20)]
    hostile = [calculate(CalculateInput(expression=text), sandbox=sandbox) for text, _ in list(HOSTILE.values())[:5]]
    outputs = await asyncio.gather(*hostile, *honest)
    assert [one.success for one in outputs] == [False] * 5 + [True] * 20
    assert [one.result for one in outputs[5:]] == [str(n**2) for n in range(20)]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [*"0123456789xy()[]{}+-*/^!%',;:=.\"?<> ", "sin", "mean", "km", "deg", "to", "i", "of", "f(x)"]
        ),
        max_size=12,
    ).map("".join)
)
async def test_junk_never_breaks_a_tool(sandbox: Sandbox, junk: str) -> None:
    output = await calculate(CalculateInput(expression=junk), sandbox=sandbox)
    assert output.success is (output.error is None)
    request = ValidateAnswerInput(
        original_problem=junk, proposed_answer=junk, expression=junk[::-1], equations=(junk,), variables={"x": junk}
    )
    verdict = await validate_answer(request, sandbox=sandbox)
    assert (verdict.confidence > 0) is (verdict.is_valid is not None)
