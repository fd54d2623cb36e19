"""`validateAnswer` really checks: right is never called wrong, wrong never right, the rest is undecided."""

import pytest

from penstock.tools.sandbox import Sandbox
from penstock.tools.validate_answer import ValidateAnswerInput, ValidateAnswerOutput, validate_answer
from tests.tools.problems import PROBLEMS, UNDECIDED

pytestmark = pytest.mark.asyncio(loop_scope="session")

RIGHT = [(each.problem, answer) for each in PROBLEMS for answer in each.right]
WRONG = [(each.problem, answer) for each in PROBLEMS for answer in each.wrong]


async def verdict(problem: str, answer: str, sandbox: Sandbox) -> ValidateAnswerOutput:
    request = ValidateAnswerInput(original_problem=problem, proposed_answer=answer, validation_method="substitution")
    return await validate_answer(request, sandbox=sandbox)


@pytest.mark.parametrize(("problem", "answer"), RIGHT)
async def test_a_right_answer_is_valid(problem: str, answer: str, sandbox: Sandbox):
    output = await verdict(problem, answer, sandbox)
    assert output.is_valid is True, output.evidence
    assert 0.9 <= output.confidence <= 1
    assert output.method != "none"


@pytest.mark.parametrize(("problem", "answer"), WRONG)
async def test_a_wrong_answer_is_found_out(problem: str, answer: str, sandbox: Sandbox):
    output = await verdict(problem, answer, sandbox)
    assert output.is_valid is False, output.evidence
    assert output.evidence


@pytest.mark.parametrize(("problem", "answer"), UNDECIDED)
async def test_what_cannot_be_decided_is_neither_valid_nor_invalid(problem: str, answer: str, sandbox: Sandbox):
    output = await verdict(problem, answer, sandbox)
    assert (output.is_valid, output.confidence) == (None, 0), output.evidence


async def test_a_missing_root_is_named(sandbox: Sandbox):
    output = await verdict("x^2 - 5x + 6 = 0", "x = 2", sandbox)
    assert output.method == "substitution"
    assert "with x = 2: x^2 - 5*x + 6 = 0; but x = 3 is missing" in output.evidence


async def test_the_evidence_shows_the_numbers(sandbox: Sandbox):
    output = await verdict("Solve 3x - 7 = 11", "x = 5", sandbox)
    assert output.evidence == "with x = 5: 3*x - 7 = 8, not 11"


@pytest.mark.parametrize(
    ("problem", "answer", "method", "confidence"),
    [
        ("3x = 9", "x = 3", "substitution", 1.0),
        ("x^2 = 2 where x is positive", "x = 1.414", "substitution", 0.95),
        ("What is 6 * 7?", "42", "recomputation", 1.0),
        ("What is 2/3?", "0.667", "recomputation", 0.95),
        ("simplify (x^2-1)/(x-1)", "x + 1", "numeric_sampling", 1.0),
        ("Differentiate sin(x) cos(x)", "cos(x)^2 - sin(x)^2", "numeric_sampling", 0.95),
    ],
)
async def test_only_exact_reasoning_is_certain(
    problem: str, answer: str, method: str, confidence: float, sandbox: Sandbox
):
    output = await verdict(problem, answer, sandbox)
    assert (output.is_valid, output.method, output.confidence) == (True, method, confidence)


async def test_on_the_wire_the_names_are_those_of_the_guide(sandbox: Sandbox):
    written = (await verdict("3x = 9", "x = 3", sandbox)).model_dump(mode="json", by_alias=True)
    assert written.keys() == {"isValid", "confidence", "method", "evidence"}


async def test_chance_decides_nothing(sandbox: Sandbox):
    """sympy tries expressions at random points: the same question has the same answer, whatever was asked before."""
    for _ in range(3):
        assert (await verdict("x^5 - x - 1 = 0", "x ≈ 1.1673", sandbox)).is_valid is True
        assert (await verdict("Find the roots of x^2 - x - 12", "x = 3 or x = -4", sandbox)).is_valid is False
