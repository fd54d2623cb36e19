"""Function calling: what the simulated model calls, and what it makes of the answers."""

from typing import Any

import pytest
from google.genai import types
from google.genai.client import AsyncClient

from tests.support.simulator import Steering

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
            "expression": {"type": "string"},
            "equations": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["originalProblem", "proposedAnswer"],
    },
)
LOOKUP = types.FunctionDeclaration(
    name="lookUp",
    parameters_json_schema={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
)


def config(*functions: types.FunctionDeclaration) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(tools=[types.Tool(function_declarations=list(functions))])


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
    """The answer is to be checked by the expression that gave it, and by nothing made up."""
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
        "expression": "(12 + 8) * 3 - 4^2",
    }

    turns += [spoken(second), answered((validate, {"output": {"isValid": True, "method": "recomputation"}}))]
    third = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert third.function_calls is None
    assert third.text is not None
    assert third.text.endswith("The answer is 44.")


async def first_call(gemini: AsyncClient, problem: str) -> types.FunctionCall:
    reply = await gemini.models.generate_content(
        model="gemini-3-pro", contents=f"Problem: {problem}", config=config(CALCULATE, VALIDATE)
    )
    assert reply.function_calls is not None
    (call,) = reply.function_calls
    return call


@pytest.mark.parametrize(
    ("problem", "expression"),
    [
        ("What is 7 * 6?", "7 * 6"),
        ("What is sqrt(3^2 + 4^2)?", "sqrt(3^2 + 4^2)"),
        ("What is (1,200 + 3) / 4 - 0.5, and why?", "(1200 + 3) / 4 - 0.5"),
        ("A shirt costs 80 euros. What is it at 15% off, then 19% tax?", "80 * (1 - 15/100) * (1 + 19/100)"),
        ("Ann has 1,200 coins and finds 30 more.", "1200 + 30"),
        ("Prove that there are infinitely many primes.", "0"),
    ],
)
async def test_the_expression_is_that_of_the_problem_or_made_of_its_numbers(
    gemini: AsyncClient, problem: str, expression: str
) -> None:
    assert (await first_call(gemini, problem)).args == {"expression": expression}


async def test_what_a_function_does_not_declare_is_not_given(gemini: AsyncClient) -> None:
    plain = types.FunctionDeclaration(
        name="validateAnswer",
        parameters_json_schema={"type": "object", "properties": {"proposedAnswer": {"type": "string"}}},
    )
    turns: list[types.ContentUnion] = [asked("Problem: What is 7 * 6?")]
    first = await gemini.models.generate_content(
        model="gemini-3-pro", contents=list(turns), config=config(CALCULATE, plain)
    )
    assert first.function_calls is not None
    turns += [spoken(first), answered((first.function_calls[0], {"result": "42"}))]
    second = await gemini.models.generate_content(
        model="gemini-3-pro", contents=list(turns), config=config(CALCULATE, plain)
    )
    assert second.function_calls is not None
    assert second.function_calls[0].args == {"proposedAnswer": "42"}


async def test_the_dialogue_with_tools_does_not_vary(gemini: AsyncClient) -> None:
    assert (await first_call(gemini, "What is 7 * 6?")).args == (await first_call(gemini, "What is 7 * 6?")).args
    one, other = [
        await gemini.models.generate_content(model="gemini-3-pro", contents="Weather in Graz", config=config(LOOKUP))
        for _ in range(2)
    ]
    assert one.function_calls is not None
    assert other.function_calls is not None
    assert one.function_calls[0].args == other.function_calls[0].args


async def test_a_turn_says_what_its_calls_are_for(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(
        model="gemini-3-pro", contents="Problem: 7 * 6", config=config(CALCULATE, VALIDATE)
    )
    words = [part.text for part in spoken(reply).parts or [] if part.text]
    assert words == ["Work out 7 * 6."]


async def test_a_failed_calculation_is_tried_another_way(gemini: AsyncClient) -> None:
    turns: list[types.ContentUnion] = [asked("Problem: What is 7 * 6?")]
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


async def test_calls_carry_ids_and_the_first_one_a_thought_signature(gemini: AsyncClient, steering: Steering) -> None:
    calls = [{"name": "calculate", "args": {"expression": one}} for one in ("1 + 1", "7 * 6")]
    await steering.rule(reply={"functionCalls": calls})
    stream = await gemini.models.generate_content_stream(
        model="gemini-3-pro", contents="Problem: 7 * 6", config=config(CALCULATE, VALIDATE)
    )
    parts = [part async for chunk in stream for part in chunk.parts or [] if part.function_call]
    ids = [part.function_call and part.function_call.id for part in parts]
    assert len(set(ids)) == 2
    assert [part.thought_signature is not None for part in parts] == [True, False]


async def test_calls_that_others_made_up_are_answered_too(gemini: AsyncClient, steering: Steering) -> None:
    """More calculations than the problem has expressions: the last that worked is the answer."""
    calls = [{"name": "calculate", "args": {"expression": one}} for one in ("6 * 7", "6 * 8", "6 by 9", "oops")]
    await steering.rule(times=1, reply={"functionCalls": calls})
    turns: list[types.ContentUnion] = [asked("Problem: What is 6 by 7?")]
    tools = config(CALCULATE, VALIDATE)
    first = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert first.function_calls is not None
    results: list[dict[str, Any]] = [{"result": "42"}, {"result": "48"}, {"error": "what?"}, {"error": "what?"}]
    turns += [spoken(first), answered(*zip(first.function_calls, results, strict=True))]
    second = await gemini.models.generate_content(model="gemini-3-pro", contents=list(turns), config=tools)
    assert second.function_calls is not None
    assert (second.function_calls[0].args or {})["proposedAnswer"] == "48"
