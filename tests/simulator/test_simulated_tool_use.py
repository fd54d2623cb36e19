"""Function calling: what the simulated model calls, and what it makes of the answers."""

from typing import Any

import pytest
from google.genai import types
from google.genai.client import AsyncClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALCULATE = types.FunctionDeclaration(
    name="calculate",
    description="Computes exactly.",
    parameters_json_schema={
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
        "additionalProperties": False,
    },
)
VALIDATE = types.FunctionDeclaration(
    name="validateAnswer",
    description="Checks an answer.",
    parameters_json_schema={
        "type": "object",
        "properties": {
            "originalProblem": {"type": "string"},
            "proposedAnswer": {"type": "string"},
            "validationMethod": {"type": "string"},
        },
        "required": ["originalProblem", "proposedAnswer", "validationMethod"],
    },
)
LOOKUP = types.FunctionDeclaration(
    name="lookUp",
    parameters=types.Schema(
        type=types.Type.OBJECT,
        properties={"city": types.Schema(type=types.Type.STRING), "days": types.Schema(type=types.Type.INTEGER)},
        required=["city", "days"],
    ),
)


def config(*functions: types.FunctionDeclaration, mode: str = "AUTO") -> types.GenerateContentConfig:
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(mode))
    return types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=list(functions))],
        tool_config=types.ToolConfig(function_calling_config=calling),
    )


def asked(text: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


def spoken(reply: types.GenerateContentResponse) -> types.Content:
    assert reply.candidates is not None
    content = reply.candidates[0].content
    assert content is not None
    return content


def answered(*answers: tuple[types.FunctionCall, dict[str, Any]]) -> types.Content:
    parts = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response=response))
        for call, response in answers
    ]
    return types.Content(role="user", parts=parts)


async def test_a_problem_is_calculated_then_validated_then_answered(gemini: AsyncClient) -> None:
    turns: list[types.ContentUnion] = [asked("Solve this problem:\n\n```text\nWhat is (12 + 8) * 3 - 4^2?\n```")]
    tools = config(CALCULATE, VALIDATE)

    first = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert first.function_calls is not None
    calculate = first.function_calls[0]
    assert (calculate.name, calculate.args) == ("calculate", {"expression": "(12 + 8) * 3 - 4^2"})

    turns += [spoken(first), answered((calculate, {"output": {"result": "44"}}))]
    second = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert second.function_calls is not None
    validate = second.function_calls[0]
    assert validate.name == "validateAnswer"
    assert validate.args == {
        "originalProblem": "What is (12 + 8) * 3 - 4^2?",
        "proposedAnswer": "44",
        "validationMethod": "recalculation",
    }

    turns += [spoken(second), answered((validate, {"output": {"isValid": True, "method": "recomputation"}}))]
    third = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert third.function_calls is None
    assert third.text is not None
    assert third.text.endswith("The answer is 44.")


@pytest.mark.parametrize(
    ("problem", "expressions"),
    [
        ("What is 15% of 80, and what is 7 * 6?", ["15% of 80", "7 * 6"]),
        ("Solve 2x + 3 = 11.", ["2x + 3 = 11"]),
        ("Find x and y: x + y = 3 and x - y = 1.", ["x + y = 3; x - y = 1"]),
        ("What is sqrt(3^2 + 4^2)?", ["sqrt(3^2 + 4^2)"]),
        ("How much is 12.7 cm to inch?", ["12.7 cm to inch"]),
        ("A train goes 120 km in 2 hours. What is its average speed?", ["120 / 2"]),
        ("Ann has 1,200 coins and finds 30 more.", ["1200 + 30"]),
    ],
)
async def test_the_expressions_are_those_of_the_problem(
    gemini: AsyncClient, problem: str, expressions: list[str]
) -> None:
    contents = f"Problem: {problem}"
    reply = await gemini.models.generate_content(
        model="gemini-3-pro", contents=contents, config=config(CALCULATE, VALIDATE)
    )
    assert reply.function_calls is not None
    assert [(call.args or {})["expression"] for call in reply.function_calls] == expressions


async def solved(gemini: AsyncClient, problem: str, *results: str, verdicts: tuple[bool | None, ...] = ()) -> list[str]:
    """What is asked of the tools, turn by turn, when they answer with these results and verdicts."""
    turns: list[types.ContentUnion] = [asked(f"Solve this problem:\n\n```text\n{problem}\n```")]
    answers = {"calculate": iter(results), "validateAnswer": iter(verdicts)}
    said = []
    while True:
        reply = await gemini.models.generate_content(
            model="gemini-3-pro", contents=list(turns), config=config(CALCULATE, VALIDATE)
        )
        if reply.function_calls is None:
            return [*said, reply.text or ""]
        delivered = []
        for call in reply.function_calls:
            args = call.args or {}
            said.append(args.get("expression") or f"{args['originalProblem']}: {args['proposedAnswer']}")
            member = "result" if call.name == "calculate" else "isValid"
            delivered.append((call, {member: next(answers[call.name or ""])}))
        turns += [spoken(reply), answered(*delivered)]


async def test_percentages_are_worked_out_one_after_the_other_and_checked_as_one_formula(gemini: AsyncClient) -> None:
    """The wording is beyond the tool that checks; the second check is a way of its own to the answer."""
    problem = "A shirt costs 80 euros. What is it at 15% off, then 19% tax?"
    *asked_for, answer = await solved(gemini, problem, "68", "80.92", verdicts=(None, True))
    assert asked_for == [
        "80 - 15%",
        "68 + 19%",
        f"{problem}: 80.92",
        "80 * (1 - 15/100) * (1 + 19/100): 80.92",
    ]
    assert answer.endswith("The answer is 80.92.")


@pytest.mark.parametrize(
    ("problem", "expressions"),
    [
        ("A laptop is $1,200, reduced by 20%, plus 8% tax.", ["1200 - 20%", "7 + 8%"]),
        ("Increase 80 by 15%.", ["80 + 15%"]),
        ("I invest 1,000 euros at 5% compound interest for 3 years.", ["1 + 5/100", "1000 * 7^3"]),
        ("What is the average of 3, 5 and 10?", ["mean([3, 5, 10])"]),
        ("A right triangle has legs 3 and 4. How long is its hypotenuse?", ["sqrt(3^2 + 4^2)"]),
        ("What is the area of a circle with radius 5?", ["pi * 5^2"]),
        ("If 2x + 3 = 11, what is x + 1?", ["2x + 3 = 11", "7; x + 1"]),
        ("A garden is 4 m by 6 m. What is its area?", ["4 * 6"]),
    ],
)
async def test_a_word_problem_of_a_common_kind_is_calculated_in_its_steps(
    gemini: AsyncClient, problem: str, expressions: list[str]
) -> None:
    said = await solved(gemini, problem, *("7" for _ in expressions), verdicts=(True,))
    assert said[: len(expressions)] == expressions
    assert said[len(expressions)] == f"{problem}: 7"


async def test_a_turn_says_what_its_calls_are_for(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(
        model="gemini-3-pro", contents="Problem: 15% of 80 and 7 * 6", config=config(CALCULATE, VALIDATE)
    )
    words = [part.text for part in spoken(reply).parts or [] if part.text]
    assert words == ["First, work out 15% of 80 and 7 * 6."]


async def test_a_failed_calculation_is_tried_another_way(gemini: AsyncClient) -> None:
    turns: list[types.ContentUnion] = [asked("Problem: Solve 2x + 3 = 11.")]
    tools = config(CALCULATE, VALIDATE)
    first = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert first.function_calls is not None
    turns += [spoken(first), answered((first.function_calls[0], {"error": "cannot be read"}))]
    second = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert second.function_calls is not None
    assert second.function_calls[0].name == "calculate"
    assert second.function_calls[0].args != first.function_calls[0].args


async def test_any_other_function_is_called_once_with_valid_arguments(gemini: AsyncClient) -> None:
    first = await gemini.models.generate_content(
        model="gemini-3-pro", contents="Weather in Graz for 3 days", config=config(LOOKUP)
    )
    assert first.function_calls is not None
    (call,) = first.function_calls
    assert call.args is not None
    assert isinstance(call.args["city"], str)
    assert isinstance(call.args["days"], int)
    turns: list[types.ContentUnion] = [
        asked("Weather in Graz for 3 days"),
        spoken(first),
        answered((call, {"output": "sun"})),
    ]
    second = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=config(LOOKUP))
    assert second.text == "I used the tools: lookUp gave sun."


async def test_calls_carry_ids_and_the_first_one_a_thought_signature(gemini: AsyncClient) -> None:
    stream = await gemini.models.generate_content_stream(
        model="gemini-3-pro", contents="Problem: 15% of 80 and 7 * 6", config=config(CALCULATE, VALIDATE)
    )
    parts = [part async for chunk in stream for part in chunk.parts or [] if part.function_call]
    ids = [part.function_call and part.function_call.id for part in parts]
    assert len(set(ids)) == 2
    assert [part.thought_signature is not None for part in parts] == [True, False]


async def test_mode_none_calls_nothing_and_mode_any_always_calls(gemini: AsyncClient) -> None:
    silent = await gemini.models.generate_content(
        model="gemini-3-pro", contents="Weather in Graz", config=config(LOOKUP, mode="NONE")
    )
    assert silent.function_calls is None
    turns: list[types.ContentUnion] = [asked("Weather in Graz")]
    first = await gemini.models.generate_content(
        model="gemini-3-pro", contents=list(turns), config=config(LOOKUP, mode="ANY")
    )
    assert first.function_calls is not None
    turns += [spoken(first), answered((first.function_calls[0], {"output": "sun"}))]
    second = await gemini.models.generate_content(
        model="gemini-3-pro", contents=list(turns), config=config(LOOKUP, mode="ANY")
    )
    assert second.function_calls is not None
