"""Multi-step tool usage: think, call tools that really calculate and check, conclude."""

from typing import Any

import pytest

from penstock.simulator.wire import Call
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "multi-step-tool-usage"
PROBLEM = "Solve 3x - 7 = 11"
EQUATION = "3x - 7 = 11"


def request(problem: str = PROBLEM, **options: int) -> dict[str, Any]:
    return {"problem": problem, "options": options}


def calling(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"functionCalls": [{"name": name, "args": args} for name, args in calls]}


def calculate(*expressions: str) -> dict[str, Any]:
    return calling(*(("calculate", {"expression": one}) for one in expressions))


def validate(answer: str, *equations: str) -> dict[str, Any]:
    given = {"originalProblem": PROBLEM, "proposedAnswer": answer, "equations": equations}
    return calling(("validateAnswer", given))


async def turns(pipeline: Pipeline, *replies: dict[str, Any]) -> None:
    """What the model says in its turns; then it answers."""
    for reply in replies:
        await pipeline.gemini.rule(step="think", times=1, reply=reply)
    await pipeline.gemini.rule(step="think", reply={"text": "That is it."})


async def thoughts(pipeline: Pipeline, job: str) -> list[Call]:
    return await pipeline.gemini.calls(job=job, step="think")


async def answers(pipeline: Pipeline, job: str) -> list[tuple[str, dict[str, Any]]]:
    """What the tools had told the model by its last turn."""
    return [(one.name, one.response) for one in (await thoughts(pipeline, job))[-1].results]


async def test_calls_become_the_steps_of_the_solution_with_what_the_tools_really_said(pipeline: Pipeline) -> None:
    await turns(pipeline, calculate("(11 + 7) / 3"), validate("x = 6", EQUATION))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert [(one["step"], one["calculation"], one["result"]) for one in result["steps"]] == [
        (1, "(11 + 7) / 3", "6"),
        (2, "check x = 6", "valid (substitution): with x = 6: 3x - 7 = 11 holds"),
    ]
    assert result["problem"] == PROBLEM
    assert len(await thoughts(pipeline, job)) == 3


async def test_each_turn_and_each_call_is_a_journaled_step(pipeline: Pipeline) -> None:
    await turns(pipeline, calculate("1 + 1", "2 + 2"), validate("x = 6", EQUATION))
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    outcomes = await pipeline.outcomes(job)
    assert {key: outcome.step for key, outcome in outcomes.items()} == {
        "think-1": "think",
        "call-1-1": "calculate",
        "call-1-2": "calculate",
        "think-2": "think",
        "call-2-1": "validate-answer",
        "think-3": "think",
        "conclude-1": "conclude",
    }


async def test_an_answer_without_any_tool_has_no_steps(pipeline: Pipeline) -> None:
    await turns(pipeline)
    assert (await pipeline.run(PATTERN, request()))["steps"] == []


async def test_signatures_and_results_come_back_to_the_model_as_they_were(pipeline: Pipeline) -> None:
    """Of two calls in a turn the first is signed; each turn brings back all signatures so far, unchanged."""
    await turns(pipeline, calculate("1 + 1", "2 + 2"), calculate("3 + 3"))
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    first, second, third = await thoughts(pipeline, job)
    assert first.signatures == []
    assert len(second.signatures) == 1
    assert third.signatures[:1] == second.signatures
    assert len(set(third.signatures)) == 2
    assert [one.response["result"] for one in third.results] == ["2", "4", "6"]


@pytest.mark.parametrize(
    ("reply", "delivered"),
    [
        (calculate("foo + 1"), "Undefined symbol foo"),
        (calling(("guess", {"hint": "x"})), "there is no tool 'guess'; there are calculate, validateAnswer"),
        (calling(("calculate", {"formula": "1 + 1"})), "do not fit calculate: expression: Field required"),
        (calling(("calculate", {"expression": "(" * 3_000})), "nested too deeply"),
    ],
    ids=["the tool says no", "no such tool", "arguments that do not fit", "hostile arguments"],
)
async def test_what_goes_wrong_with_a_call_is_told_to_the_model_not_to_the_caller(
    pipeline: Pipeline, reply: dict[str, Any], delivered: str
) -> None:
    """The model reads the error on its next turn, and the job goes on."""
    await turns(pipeline, reply, calculate("6 * 7"))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    (_, refused), (_, accepted) = await answers(pipeline, job)
    assert delivered in refused["error"]
    assert accepted["result"] == "42"
    assert [one["result"].startswith("error: ") for one in result["steps"]] == [True, False]


@pytest.mark.parametrize(
    ("answer", "equations", "verdict", "shown"),
    [
        ("x = 6", [EQUATION], True, "valid (substitution)"),
        ("x = 5", [EQUATION], False, "invalid (substitution): with x = 5: 3x - 7 = 8, not 11"),
        ("x = 6", [], None, "inconclusive (none): nothing was given"),
    ],
)
async def test_the_verdict_on_an_answer_is_passed_on_as_it_is(
    pipeline: Pipeline, answer: str, equations: list[str], verdict: bool | None, shown: str
) -> None:
    """To the model, to the reader of the steps and to the conclusion; nothing turns a doubt into a yes."""
    await turns(pipeline, validate(answer, *equations))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    ((_, said),) = await answers(pipeline, job)
    assert said["isValid"] is verdict
    assert result["steps"][0]["result"].startswith(shown)
    (conclude,) = await pipeline.gemini.calls(job=job, step="conclude")
    assert f'"isValid": {str(verdict).lower().replace("none", "null")}' in conclude.prompt


@pytest.mark.parametrize(("options", "most"), [({}, 20), ({"maxTurns": 2}, 2)])
async def test_a_spent_budget_is_a_failure_of_its_own_never_an_answer(
    pipeline: Pipeline, options: dict[str, Any], most: int
) -> None:
    """Twenty turns, or fewer where the caller says so."""
    await pipeline.gemini.rule(step="think", reply=calculate("1 + 1"))
    job = await pipeline.submit(PATTERN, request(**options))
    problem = (await pipeline.failure(job)).problem
    assert problem.code == "budget_exhausted"
    assert f"{most} turns with {most} tool calls" in problem.detail
    assert [call.step for call in await pipeline.gemini.calls(job=job)] == ["think"] * most


async def test_the_model_is_told_of_every_tool_in_the_table(pipeline: Pipeline) -> None:
    await turns(pipeline)
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    (think,) = await thoughts(pipeline, job)
    assert think.tools == ["calculate", "validateAnswer"]
    assert think.model == pipeline.settings.complex_models[0]
