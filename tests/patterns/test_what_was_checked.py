"""What a tool checked, told by code: the statement, whether it is the problem's, and whether an answer is the same."""

import pytest

from penstock.contracts.turns import ToolCall, ToolResult, Turn
from penstock.patterns.multi_step_tool_usage.checking import last_check
from penstock.patterns.multi_step_tool_usage.same_answer import is_the_same

EQUATION = "3x - 7 = 11"


@pytest.mark.parametrize(
    ("problem", "statement", "stands"),
    [
        ("Solve 3x - 7 = 11.", "3x-7 = 11", True),
        ("Solve 3x - 7 = 110", EQUATION, False),
        ("Solve 3x - 7 = 11 + x", EQUATION, False),
        ("Solve 2 * 3x - 7 = 11", EQUATION, False),
        ("Solve 13x - 7 = 11", EQUATION, False),
        ("What is 80 * 0.85 in euros?", "80 * 0.85", True),
        ("Nothing", " ", False),
    ],
)
async def test_a_statement_is_the_problems_only_word_for_word(problem: str, statement: str, stands: bool) -> None:
    call = ToolCall(
        name="validateAnswer", args={"originalProblem": "", "proposedAnswer": "6", "equations": [statement]}
    )
    output = {"verdict": "valid", "confidence": 1}
    result = ToolResult(name="validateAnswer", output={**output})
    found = last_check(problem, [Turn(role="model", parts=(call,)), Turn(role="user", parts=(result,))])
    assert found is not None
    assert found.in_problem is stands


@pytest.mark.timeout(60)
async def test_a_statement_is_looked_for_in_time_that_grows_with_the_problem() -> None:
    """By hand: a search that tries the statement at each place takes minutes for this, and stops the aggregator."""
    call = ToolCall(
        name="validateAnswer",
        args={
            "originalProblem": "",
            "proposedAnswer": "1",
            "equations": ["1 + " * 2_400 + f"1 = {number}" for number in range(20)],
        },
    )
    result = ToolResult(name="validateAnswer", output={"verdict": "valid", "confidence": 1})
    transcript = (Turn(role="model", parts=(call,)), Turn(role="user", parts=(result,)))
    found = last_check("1+" * 49_000 + "1", transcript)
    assert found is not None
    assert not found.in_problem


@pytest.mark.parametrize(
    ("answer", "checked", "same"),
    [
        ("x = 6", "x=6.0", True),
        ("1,234.50", "1234.5", True),
        ("72.25 euros", "72.25", True),
        ("80.92 Euro", "80.92", True),
        ("Eur 80.92", "80.92", True),
        ("−5.", "-5", True),
        ("y = 4, x = 6", "x = 4, y = 6", False),
        ("5 km", "5", False),
        ("5 m", "5 km", False),
        ("5 mW", "5 MW", False),
        ("y = 6", "x = 6", False),
        ("EUR = 5, USD = 6", "USD = 5, EUR = 6", False),
        ("-5", "5", False),
        ("72.3", "72.25", False),
        ("", "", False),
    ],
)
async def test_answers_are_the_same_by_their_words_and_the_values_of_their_numbers(
    answer: str, checked: str, same: bool
) -> None:
    assert is_the_same(answer, checked) is same
