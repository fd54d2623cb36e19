"""Orchestrator-worker: a plan, then its tasks, as parallel as their dependencies allow.

feature ──▶ PLAN ──▶ can it be done? ──yes──▶ EXECUTE each task, behind those it needs ──▶ SUMMARIZE ──▶ result
             ▲              │ no, once
             └── problem ◀──┘
"""

import asyncio

from penstock.errors import PatternFailure
from penstock.pattern import Pattern, Run
from penstock.patterns.orchestrator_worker import contract
from penstock.patterns.orchestrator_worker.contract import EXECUTE, PLAN, SUMMARIZE, Plan, Task, TaskResult
from penstock.patterns.orchestrator_worker.plan_check import problem_with, progress


async def orchestrator_worker(
    run: Run, request: contract.OrchestratorWorkerRequest
) -> contract.OrchestratorWorkerResult:
    feature = request.feature_description
    plan = await make_plan(run, feature)
    results = await carry_out(run, feature, plan)
    execution = progress(plan, results)
    run.put("/execution", execution)
    done = contract.SummarizeInput(feature_description=feature, plan=plan, task_results=results, execution=execution)
    summary = await run.step(SUMMARIZE, done, into="/summary")
    return contract.OrchestratorWorkerResult(plan=plan, task_results=results, execution=execution, summary=summary)


async def make_plan(run: Run, feature: str) -> Plan:
    plan = await run.step(PLAN, contract.PlanInput(feature_description=feature), into="/plan")
    if problem := problem_with(plan):
        run.retract("/plan")
        rejected = contract.RejectedPlan(plan=plan, problem=problem)
        plan = await run.step(PLAN, contract.PlanInput(feature_description=feature, rejected=rejected), into="/plan")
        if problem := problem_with(plan):
            raise PatternFailure("invalid_plan", f"The second plan cannot be carried out either. {problem}")
    return plan


async def carry_out(run: Run, feature: str, plan: Plan) -> tuple[TaskResult, ...]:
    tasks = {task.id: task for task in plan.tasks}
    slots = asyncio.Semaphore(run.fan_out)

    async def execute(index: int, task: Task) -> TaskResult:
        place = f"/taskResults/{index}"
        needed = tuple([contract.FinishedTask(task=tasks[id], result=await running[id]) for id in task.dependencies])
        if blocked := [dependency.task.id for dependency in needed if dependency.result.status == "blocked"]:
            waits = tuple(f"waits for {id}, which is blocked" for id in blocked)
            result = TaskResult(task_id=task.id, status="blocked", output="", next_steps=(), blockers=waits)
            run.put(place, result)
            return result
        given = contract.ExecuteInput(feature_description=feature, task=task, dependencies=needed)
        async with slots:
            run.put(f"{place}/taskId", task.id)
            output = await run.step(EXECUTE[task.type], given, into=f"{place}/", key=f"task-{index}")
        return TaskResult(task_id=task.id, **dict(output))

    running = {task.id: asyncio.create_task(execute(index, task)) for index, task in enumerate(plan.tasks)}
    try:
        results = await asyncio.gather(*running.values())
    finally:
        for unfinished in running.values():  # after a failure the others dispatch nothing more
            unfinished.cancel()
    run.close("/taskResults")
    return tuple(results)


PATTERN = Pattern(
    name="orchestrator-worker",
    summary="Plan a feature, carry out its tasks in parallel as their dependencies allow, and sum up.",
    run=orchestrator_worker,
    request=contract.OrchestratorWorkerRequest,
    result=contract.OrchestratorWorkerResult,
    steps=(PLAN, *EXECUTE.values(), SUMMARIZE),
    example=contract.OrchestratorWorkerRequest(feature_description="Let customers save a cart and share it by a link"),
)
