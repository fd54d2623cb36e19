"""Multi-step tool usage: think, call tools that really calculate and check, conclude."""

from typing import Any

import pytest

from penstock.simulator.wire import Call
from tests.faults.fault_harness import checked
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


def conclusion(answer: str, verification: str = "") -> dict[str, Any]:
    return {"json": {"solution": "So it is.", "finalAnswer": answer, "verification": verification}}


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


async def test_an_answer_without_a_check_is_asked_for_one_once_and_then_taken_as_unverified(pipeline: Pipeline) -> None:
    """Whatever the conclusion says of itself."""
    await turns(pipeline)
    await pipeline.gemini.rule(step="conclude", reply=conclusion("x = 6", verification="Checked twice, and verified."))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    first, second = await thoughts(pipeline, job)
    assert "You have not checked your answer" not in first.prompt
    assert "You have not checked your answer. Call validateAnswer" in second.prompt
    assert (result["steps"], result["complete"], result["checked"]) == ([], True, None)
    assert (result["answerChecked"], result["verified"]) == (False, False)
    (conclude,) = await pipeline.gemini.calls(job=job, step="conclude")
    assert "No answer was checked." in conclude.prompt


async def test_a_model_that_checks_when_it_is_asked_to_is_verified(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="think", times=1, reply={"text": "It is 6."})
    await turns(pipeline, validate("x = 6", EQUATION))
    await pipeline.gemini.rule(step="conclude", reply=conclusion("x = 6"))
    result = await pipeline.run(PATTERN, request())
    assert result["verified"] is True
    assert result["checked"] == {
        "step": 1,
        "statement": EQUATION,
        "inProblem": True,
        "answer": "x = 6",
        "verdict": "valid",
        "confidence": 1,
    }


@pytest.mark.parametrize(
    ("checks", "final", "checked", "verified"),
    [
        ([validate("x = 6", EQUATION)], "6", True, True),
        ([validate("x = 6", EQUATION)], "x = 7", False, False),
        ([validate("x = 7", EQUATION)], "x = 7", True, False),
        ([validate("x = 6")], "x = 6", True, False),
        ([validate("x = 6", EQUATION), validate("x = 7", EQUATION)], "x = 6", False, False),
        ([validate("x = 2", "x^2 = 4")], "x = 2", True, False),
    ],
    ids=["the same", "another answer", "invalid", "inconclusive", "not the last check", "one of two roots"],
)
async def test_no_words_make_an_answer_a_verified_one(
    pipeline: Pipeline, checks: list[dict[str, Any]], final: str, checked: bool, verified: bool
) -> None:
    """Only that the final answer is the one that `validateAnswer` found valid, last."""
    await turns(pipeline, *checks)
    await pipeline.gemini.rule(
        step="conclude", reply=conclusion(final, verification="verified: true, by validateAnswer")
    )
    result = await pipeline.run(PATTERN, request())
    assert (result["answerChecked"], result["verified"]) == (checked, verified)


async def test_what_the_model_makes_of_the_problem_is_not_the_problem_and_conclude_is_told_so(
    pipeline: Pipeline,
) -> None:
    """A valid answer to another equation: the result shows which one, and that the problem does not have it."""
    await turns(pipeline, validate("x = 2", "3x + 5 = 11"))
    await pipeline.gemini.rule(step="conclude", reply=conclusion("x = 2"))
    job = await pipeline.submit(PATTERN, request())
    checked = (await pipeline.result(job))["checked"]
    assert (checked["statement"], checked["inProblem"]) == ("3x + 5 = 11", False)
    (conclude,) = await pipeline.gemini.calls(job=job, step="conclude")
    assert 'against "3x + 5 = 11", and found it "valid".' in conclude.prompt
    assert "It is not the problem: no tool has read that." in conclude.prompt


async def test_signatures_and_results_come_back_to_the_model_as_they_were(pipeline: Pipeline) -> None:
    """Of two calls in a turn the first is signed; each turn brings back all signatures so far, unchanged."""
    await turns(pipeline, calculate("1 + 1", "2 + 2"), calculate("3 + 3"))
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    first, second, third, *_ = await thoughts(pipeline, job)
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
async def test_when_no_turn_is_left_it_concludes_from_what_there_is_and_says_so(
    pipeline: Pipeline, options: dict[str, Any], most: int
) -> None:
    """After twenty turns, or fewer where the caller says so; what was calculated is not thrown away."""
    await pipeline.gemini.rule(step="think", reply=calculate("1 + 1"))
    job = await pipeline.submit(PATTERN, request(**options))
    result = await pipeline.result(job)
    assert (result["complete"], len(result["steps"]), result["verified"]) == (False, most, False)
    assert [call.step for call in await pipeline.gemini.calls(job=job)] == ["think"] * most + ["conclude"]
    conclude = (await pipeline.gemini.calls(job=job))[-1]
    assert conclude.tools == []
    if most == 2:  # of a longer prompt the simulator keeps the beginning
        assert "The turns were spent before there was an answer." in conclude.prompt


async def test_an_answer_in_the_last_turn_is_an_answer_though_no_turn_is_left_to_check_it(pipeline: Pipeline) -> None:
    await turns(pipeline)
    job = await pipeline.submit(PATTERN, request(maxTurns=1))
    result = await pipeline.result(job)
    assert (result["complete"], result["checked"]) == (True, None)
    assert len(await thoughts(pipeline, job)) == 1


async def test_the_model_is_told_of_every_tool_in_the_table(pipeline: Pipeline) -> None:
    await turns(pipeline, validate("x = 6", EQUATION))
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    think, _ = await thoughts(pipeline, job)
    assert think.tools == ["calculate", "validateAnswer"]
    assert think.model == pipeline.settings.complex_models[0]


async def test_a_conclusion_that_is_no_object_voids_nothing(pipeline: Pipeline) -> None:
    """It is asked for again, and what the other steps have shown stays: the events add up to the result."""
    await pipeline.gemini.rule(step="conclude", reply={"text": '["' + "no" * 99 + '"]'}, times=1)
    job = await pipeline.submit("multi-step-tool-usage", request())
    checked(await pipeline.events(job), "multi-step-tool-usage")
