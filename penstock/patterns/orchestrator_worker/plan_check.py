"""Whether a plan can be carried out, and how far it has been."""

from collections import Counter
from graphlib import CycleError, TopologicalSorter

from penstock.patterns.orchestrator_worker.contract import Plan, PlanInput, PlanProgress, TaskResult
from penstock.patterns.quoting import shown


def problems_with(given: PlanInput, plan: Plan) -> list[str]:
    """What keeps the plan from being carried out, a sentence for each fault."""
    problems = []
    if not 1 <= len(plan.tasks) <= given.max_tasks:
        problems.append(f"The plan has {len(plan.tasks)} tasks; it must have 1 to {given.max_tasks}.")
    ids = Counter(task.id for task in plan.tasks)
    if repeated := [id for id, count in ids.items() if count > 1]:
        problems.append(f"Task ids must be unique, but more than one task is called {_listed(repeated)}.")
    for task in plan.tasks:
        if task.maximum_hours < task.estimated_hours:
            problems.append(f"Task {shown(task.id)} has fewer maximumHours than estimatedHours.")
        if task.id in task.dependencies:
            problems.append(f"Task {shown(task.id)} depends on itself.")
        if unknown := [id for id in task.dependencies if id not in ids]:
            problems.append(f"Task {shown(task.id)} depends on {_listed(unknown)}, and there is no such task.")
    if problems:
        return problems
    try:
        _sorter(plan).prepare()
    except CycleError as error:
        circle = " needs ".join(shown(id) for id in reversed(error.args[1]))
        return [f"Tasks wait for each other in a circle: {circle}."]
    return []


def progress(plan: Plan, results: tuple[TaskResult, ...]) -> PlanProgress:
    """What has come of a plan without problems. `results` are one for each task, in the order of the plan."""
    statuses = {result.task_id: result.status for result in results}
    titles = {task.id: task.title for task in plan.tasks}
    ahead = [titles[id] for id in _sorter(plan).static_order() if statuses[id] != "completed"]
    return PlanProgress(
        completed_tasks=len(results) - len(ahead),
        total_tasks=len(results),
        blockers=tuple(f"{result.task_id}: {blocker}" for result in results for blocker in result.blockers),
        next_milestone=ahead[0] if ahead else "All tasks are completed.",
    )


def _sorter(plan: Plan) -> TopologicalSorter[str]:
    return TopologicalSorter({task.id: task.dependencies for task in plan.tasks})


def _listed(ids: list[str]) -> str:
    return ", ".join(map(shown, ids))
