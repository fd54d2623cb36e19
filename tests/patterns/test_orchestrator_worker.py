"""Orchestrator-worker: a plan that can be carried out, then its tasks as parallel as they allow."""

from typing import Any

import pytest

from penstock.contracts.events import JobCompleted
from penstock.document import Document
from tests.patterns.plans import output, plan, task
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "orchestrator-worker"
FEATURE = "Share a cart by a link"
REQUEST: dict[str, Any] = {"featureDescription": FEATURE}
HUNDRED = {**REQUEST, "options": {"maxTasks": 100}}
DIAMOND = plan(task("base"), task("left", "base"), task("right", "base"), task("top", "left", "right"))


async def keys_asked(pipeline: Pipeline, job: str) -> list[str | None]:
    return [call.key for call in await pipeline.gemini.calls(job=job)]


async def test_a_task_begins_when_those_it_needs_have_ended(pipeline: Pipeline) -> None:
    """Whatever the order in the plan; results are in the plan's order all the same."""
    await pipeline.gemini.rule(step="plan", reply=plan(task("c", "b"), task("b", "a"), task("a")))
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert await keys_asked(pipeline, job) == ["plan-1", "task-2", "task-1", "task-0", "summarize-1"]
    assert [one["taskId"] for one in result["taskResults"]] == ["c", "b", "a"]


async def test_what_does_not_depend_on_each_other_runs_at_once(pipeline: Pipeline) -> None:
    """Both sides of a diamond are in work together, its top waits for both."""
    await pipeline.gemini.rule(step="plan", reply=DIAMOND)
    for key in ("task-1", "task-2"):
        await pipeline.gemini.rule(key=key, reply={**output(), "hold": "sides"})
    job = await pipeline.submit(PATTERN, REQUEST)
    held = await pipeline.gemini.wait(job=job, held="sides", count=2)
    assert {call.key for call in held} == {"task-1", "task-2"}
    assert "task-3" not in await keys_asked(pipeline, job)
    await pipeline.gemini.release("sides")
    await pipeline.result(job)
    assert (await keys_asked(pipeline, job))[-2:] == ["task-3", "summarize-1"]


async def test_a_tasks_prompt_has_what_it_needs_and_nothing_else(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="plan", reply=DIAMOND)
    for number, name in enumerate(("base", "left", "right", "top")):
        await pipeline.gemini.rule(key=f"task-{number}", reply=output(f"the work on {name}"))
    job = await pipeline.submit(PATTERN, REQUEST)
    await pipeline.result(job)
    prompts = {call.key: call.prompt for call in await pipeline.gemini.calls(job=job)}
    names = ("base", "left", "right", "top")
    seen = {key: [name for name in names if f"the work on {name}" in prompt] for key, prompt in prompts.items()}
    assert seen == {
        "plan-1": [],
        "task-0": [],
        "task-1": ["base"],
        "task-2": ["base"],
        "task-3": ["left", "right"],
        "summarize-1": list(names),
    }
    assert "Make top well" in prompts["task-3"]
    assert all(FEATURE in prompt for prompt in prompts.values())


async def test_no_more_tasks_of_a_job_are_in_work_than_the_setting_allows(pipeline: Pipeline) -> None:
    """All could start at once; the first eight are held, and the ninth has not been asked for."""
    limit = pipeline.settings.fan_out
    await pipeline.gemini.rule(step="plan", reply=plan(*(task(f"t{number}") for number in range(limit + 4))))
    await pipeline.gemini.rule(step="execute-backend", reply={**output(), "hold": "tasks"})
    job = await pipeline.submit(PATTERN, HUNDRED)
    await pipeline.gemini.wait(job=job, held="tasks", count=limit)
    assert len(await pipeline.gemini.calls(job=job, step="execute-backend")) == limit
    await pipeline.gemini.release("tasks")
    result = await pipeline.result(job)
    assert result["execution"]["completedTasks"] == limit + 4
    calls = await pipeline.gemini.calls(job=job, step="execute-backend")
    began, ended = [call.started_at for call in calls], [call.ended_at or 0 for call in calls]
    assert max(sum(a <= now < b for a, b in zip(began, ended, strict=True)) for now in began) <= limit


async def test_a_plan_of_a_hundred_tasks_is_carried_out(pipeline: Pipeline) -> None:
    """Ten stages of ten, each task behind two of the stage before."""
    tasks = [
        task(f"t{n}", *(f"t{(n // 10 - 1) * 10 + (n + more) % 10}" for more in (0, 1) if n >= 10)) for n in range(100)
    ]
    await pipeline.gemini.rule(step="plan", reply=plan(*tasks))
    await pipeline.gemini.rule(step="execute-backend", reply=output())
    result = await pipeline.run(PATTERN, HUNDRED)
    assert (result["execution"]["completedTasks"], result["execution"]["totalTasks"]) == (100, 100)
    assert [one["taskId"] for one in result["taskResults"]] == [one["id"] for one in tasks]


async def test_what_tasks_share_is_given_to_each_of_them(pipeline: Pipeline) -> None:
    """As the plan defines it, and whether or not they depend on each other."""
    shared = {"POST /shares": "{cart: string} -> 201 {link: string}"}
    await pipeline.gemini.rule(step="plan", reply=plan(task("a"), task("b"), interfaces=shared))
    job = await pipeline.submit(PATTERN, REQUEST)
    assert (await pipeline.result(job))["plan"]["interfaces"] == [
        {"name": "POST /shares", "definition": shared["POST /shares"]}
    ]
    for call in await pipeline.gemini.calls(job=job, step="execute-backend"):
        assert "POST /shares" in call.prompt
        assert shared["POST /shares"] in call.prompt


async def test_the_planner_is_told_how_many_tasks_there_may_be(pipeline: Pipeline) -> None:
    """Twelve, or what the caller says."""
    for options, most in (({}, 12), ({"maxTasks": 40}, 40)):
        job = await pipeline.submit(PATTERN, {**REQUEST, "options": options})
        await pipeline.result(job)
        (call,) = await pipeline.gemini.calls(job=job, step="plan")
        assert f"3 to 12 as a rule, and never more than {most}." in call.prompt


HASTY = {**task("a"), "maximumHours": 1}
BROKEN = {
    "circle": (plan(task("a", "b"), task("b", "a")), 'Tasks wait for each other in a circle: "a" needs "b" needs "a".'),
    "itself": (plan(task("a", "a")), 'Task "a" depends on itself.'),
    "duplicate": (plan(task("a"), task("a")), 'Task ids must be unique, but more than one task is called "a".'),
    "unknown": (plan(task("a", "z")), 'Task "a" depends on "z", and there is no such task.'),
    "empty": (plan(), "The plan has 0 tasks; it must have 1 to 2."),
    "long": (plan(*(task(f"t{n}") for n in range(3))), "The plan has 3 tasks; it must have 1 to 2."),
    "estimate": (plan(HASTY), 'Task "a" has fewer maximumHours than estimatedHours.'),
}


@pytest.mark.parametrize(("broken", "problem"), BROKEN.values(), ids=BROKEN)
async def test_a_plan_that_cannot_be_carried_out_goes_back_with_its_problem(
    pipeline: Pipeline, broken: dict[str, Any], problem: str
) -> None:
    """Within the step: nobody builds on the first plan, and the one in the result can be carried out."""
    await pipeline.gemini.rule(step="plan", times=1, reply=broken)
    await pipeline.gemini.rule(step="plan", reply=plan(task("good")))
    job = await pipeline.submit(PATTERN, {**REQUEST, "options": {"maxTasks": 2}})
    result = await pipeline.result(job)
    assert [one["id"] for one in result["plan"]["tasks"]] == ["good"]
    first, second = await pipeline.gemini.calls(job=job, step="plan")
    assert problem not in first.prompt
    assert f"- {problem}" in second.prompt
    assert (first.key, second.key) == ("plan-1", "plan-1")


async def test_a_planner_that_cannot_do_better_fails_the_job(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="plan", reply=BROKEN["circle"][0])
    job = await pipeline.submit(PATTERN, REQUEST)
    problem = (await pipeline.failure(job)).problem
    assert (problem.code, problem.step) == ("output_invalid", "plan-1")
    assert BROKEN["circle"][1] in problem.detail


async def test_a_blocked_task_blocks_what_depends_on_it_without_a_model_call(pipeline: Pipeline) -> None:
    """Directly or through others; what does not depend on it is done, and `execution` is counted."""
    tasks = (task("key"), task("door", "key"), task("house", "door"), task("garden"))
    await pipeline.gemini.rule(step="plan", reply=plan(*tasks))
    await pipeline.gemini.rule(key="task-0", reply=output("", "no key was given", status="blocked"))
    await pipeline.gemini.rule(key="task-3", reply=output())
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert {one["taskId"]: (one["status"], one["blockers"]) for one in result["taskResults"]} == {
        "key": ("blocked", ["no key was given"]),
        "door": ("blocked", ["waits for key, which is blocked"]),
        "house": ("blocked", ["waits for door, which is blocked"]),
        "garden": ("completed", []),
    }
    assert result["execution"] == {
        "completedTasks": 1,
        "totalTasks": 4,
        "blockers": [
            "key: no key was given",
            "door: waits for key, which is blocked",
            "house: waits for door, which is blocked",
        ],
        "nextMilestone": "Make key",
    }
    assert sorted(key or "" for key in await keys_asked(pipeline, job)) == ["plan-1", "summarize-1", "task-0", "task-3"]


async def test_a_task_in_progress_is_built_on_but_not_counted_as_completed(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="plan", reply=plan(task("a"), task("b", "a")))
    await pipeline.gemini.rule(key="task-0", reply=output("half of it", status="in_progress"))
    await pipeline.gemini.rule(key="task-1", reply=output())
    job = await pipeline.submit(PATTERN, REQUEST)
    execution = (await pipeline.result(job))["execution"]
    assert (execution["completedTasks"], execution["nextMilestone"]) == (1, "Make a")
    (second,) = [call for call in await pipeline.gemini.calls(job=job) if call.key == "task-1"]
    assert 'which is "in progress" and made' in second.prompt


async def test_a_task_that_fails_for_good_is_blocked_and_the_rest_is_delivered(pipeline: Pipeline) -> None:
    """With its failure as the blocker, and those behind it blocked; what was streamed is the result."""
    await pipeline.gemini.rule(step="plan", reply=DIAMOND)
    await pipeline.gemini.rule(key="task-1", reply={"json": {"status": "completed", "output": "half"}})
    await pipeline.gemini.rule(step="execute-backend", reply=output())
    job = await pipeline.submit(PATTERN, REQUEST)
    *growing, end = await pipeline.events(job)
    assert isinstance(end, JobCompleted), end
    results = {one["taskId"]: (one["status"], one["output"]) for one in end.result["taskResults"]}
    assert results == {
        "base": ("completed", "done"),
        "left": ("blocked", ""),
        "right": ("completed", "done"),
        "top": ("blocked", ""),
    }
    failed, waiting = end.result["execution"]["blockers"]
    assert failed.startswith("left: failed: none of 3 replies was usable")
    assert waiting == "top: waits for left, which is blocked"
    assert "task-3" not in await keys_asked(pipeline, job)
    document = Document()
    for event in growing:
        document.apply(event)
    assert document.value == end.result
    (summarize,) = await pipeline.gemini.calls(job=job, step="summarize")
    assert "2 of 4 tasks are completed" in summarize.prompt


async def test_where_nothing_could_be_done_the_job_fails_with_the_first_tasks_code(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="plan", reply=plan(task("a"), task("b"), task("c", "a")))
    await pipeline.gemini.rule(step="execute-backend", fault={"status": 400})
    job = await pipeline.submit(PATTERN, REQUEST)
    problem = (await pipeline.failure(job)).problem
    assert (problem.code, problem.step) == ("model_rejected", "task-0")
    assert sorted(key or "" for key in await keys_asked(pipeline, job)) == ["plan-1", "task-0", "task-1"]
