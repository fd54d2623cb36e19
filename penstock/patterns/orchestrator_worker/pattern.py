"""Orchestrator-worker: a plan, then its tasks, as parallel as their dependencies allow.

feature ──▶ PLAN ──▶ EXECUTE each task, behind those it needs ──▶ SUMMARIZE ──▶ result
                        │ blocked, or failed
                        └──▶ those behind it are blocked; the others go on
"""

import asyncio

from penstock.errors import StepFailed
from penstock.pattern import Pattern, Run
from penstock.patterns.orchestrator_worker import contract
from penstock.patterns.orchestrator_worker.contract import Plan, Task, TaskOutput, TaskResult
from penstock.patterns.orchestrator_worker.plan_check import progress
from penstock.patterns.orchestrator_worker.steps import EXECUTE, PLAN, SUMMARIZE


async def orchestrator_worker(
    run: Run, request: contract.OrchestratorWorkerRequest
) -> contract.OrchestratorWorkerResult:
    feature = request.feature_description
    to_plan = contract.PlanInput(feature_description=feature, max_tasks=request.options.max_tasks)
    plan = await run.step(PLAN, to_plan, into="/plan")
    results = await carry_out(run, feature, plan)
    execution = progress(plan, results)
    run.put("/execution", execution)
    done = contract.SummarizeInput(feature_description=feature, plan=plan, task_results=results, execution=execution)
    summary = await run.step(SUMMARIZE, done, into="/summary")
    return contract.OrchestratorWorkerResult(plan=plan, task_results=results, execution=execution, summary=summary)


async def carry_out(run: Run, feature: str, plan: Plan) -> tuple[TaskResult, ...]:
    tasks = {task.id: task for task in plan.tasks}
    slots = asyncio.Semaphore(run.fan_out)
    failures: dict[int, StepFailed] = {}

    async def execute(index: int, task: Task) -> TaskResult:
        place = f"/taskResults/{index}"
        needed = tuple([contract.FinishedTask(task=tasks[id], result=await running[id]) for id in task.dependencies])
        run.put(f"{place}/taskId", task.id)
        waits = [one.task.id for one in needed if one.result.status == "blocked"]
        blockers = tuple(f"waits for {id}, which is blocked" for id in waits)
        if not blockers:
            given = contract.ExecuteInput(
                feature_description=feature, interfaces=plan.interfaces, task=task, dependencies=needed
            )
            async with slots:
                try:
                    output = await run.step(EXECUTE[task.type], given, into=f"{place}/", key=f"task-{index}")
                    return TaskResult(task_id=task.id, **dict(output))
                except StepFailed as failure:
                    failures[index], blockers = failure, (f"failed: {failure.detail}",)
        blocked = TaskOutput(status="blocked", output="", next_steps=(), blockers=blockers)
        for member, value in blocked.model_dump(mode="json").items():
            run.put(f"{place}/{member}", value)
        return TaskResult(task_id=task.id, **dict(blocked))

    running = {task.id: asyncio.create_task(execute(index, task)) for index, task in enumerate(plan.tasks)}
    try:
        results = await asyncio.gather(*running.values())
    finally:
        for unfinished in running.values():  # after a failure the others dispatch nothing more
            unfinished.cancel()
    if failures and all(result.status == "blocked" for result in results):
        raise failures[min(failures)]
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
