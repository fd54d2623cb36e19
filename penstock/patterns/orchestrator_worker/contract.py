"""orchestrator-worker: plan a feature, carry out its tasks in dependency order, sum up."""

from typing import Literal, get_args

from pydantic import Field

from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Wire

TaskType = Literal["backend", "frontend", "database", "testing", "documentation"]


class OrchestratorWorkerRequest(PatternRequest):
    feature_description: str = Field(min_length=1, max_length=100_000, description="The feature to plan and carry out.")


class Task(Wire):
    id: str = Field(min_length=1, max_length=64)
    title: str
    description: str
    #: Ids of the tasks whose output this one needs.
    dependencies: tuple[str, ...]
    estimated_hours: float = Field(ge=0)
    priority: Literal["low", "medium", "high"]
    type: TaskType


class Plan(Wire):
    """What the planner proposes; `plan_check.py` finds out whether it can be carried out."""

    tasks: tuple[Task, ...]
    timeline: str
    risks: tuple[str, ...]


class TaskOutput(Wire):
    """A task's result as its executor gives it."""

    status: Literal["completed", "in_progress", "blocked"]
    output: str
    next_steps: tuple[str, ...]
    blockers: tuple[str, ...]


class TaskResult(TaskOutput):
    """The same, with the task it is of."""

    task_id: str


class PlanProgress(Wire):
    """Counted by the run from the task results."""

    completed_tasks: int
    total_tasks: int
    #: Each blocker behind the id of its task.
    blockers: tuple[str, ...]
    #: The title of the first task, in dependency order, that is not completed.
    next_milestone: str


class Project(Wire):
    """`taskResults` has one entry for each task, in the order of the plan."""

    plan: Plan
    task_results: tuple[TaskResult, ...]
    execution: PlanProgress


class OrchestratorWorkerResult(Project):
    summary: str


class RejectedPlan(Wire):
    plan: Plan
    #: A sentence that names what is wrong with it.
    problem: str


class PlanInput(Wire):
    feature_description: str
    rejected: RejectedPlan | None = None


class FinishedTask(Wire):
    task: Task
    result: TaskResult


class ExecuteInput(Wire):
    feature_description: str
    task: Task
    #: The tasks this one depends on, with what came of them.
    dependencies: tuple[FinishedTask, ...]


class SummarizeInput(Project):
    feature_description: str


PLAN = Step(name="plan", input=PlanInput, output=Plan, complexity="complex", thinking="high")
#: A step, and so a queue, for each type of task: a worker process may serve some of them only.
EXECUTE: dict[TaskType, Step[ExecuteInput, TaskOutput]] = {
    task_type: Step(name=f"execute-{task_type}", input=ExecuteInput, output=TaskOutput, prompt="execute-task")
    for task_type in get_args(TaskType)
}
SUMMARIZE = Step(
    name="summarize", input=SummarizeInput, output=str, complexity="complex", thinking="low", may_shorten=True
)
