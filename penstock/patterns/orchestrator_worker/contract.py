"""orchestrator-worker: plan a feature, carry out its tasks in dependency order, sum up."""

from typing import Literal

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.wire import Wire

TaskType = Literal["backend", "frontend", "database", "testing", "documentation"]


class OrchestratorWorkerOptions(Options):
    max_tasks: int = Field(default=12, ge=1, le=100, description="How many tasks the plan may have.")


class OrchestratorWorkerRequest(PatternRequest):
    feature_description: str = Field(min_length=1, max_length=100_000, description="The feature to plan and carry out.")
    options: OrchestratorWorkerOptions = OrchestratorWorkerOptions()


class Task(Wire):
    id: str = Field(min_length=1, max_length=64)
    title: str
    description: str
    dependencies: tuple[str, ...] = Field(description="Ids of the tasks whose output this one needs.")
    estimated_hours: float = Field(ge=0, description="If all goes as expected.")
    maximum_hours: float = Field(ge=0, description="If what could go wrong does.")
    priority: Literal["low", "medium", "high"]
    type: TaskType


class Interface(Wire):
    """What several tasks must name or shape alike: an endpoint, a table, a schema, a function."""

    name: str
    definition: str = Field(description="Exactly as each task is to use it.")


class Plan(Wire):
    """A plan that can be carried out: `plan_check.py` has seen to that."""

    tasks: tuple[Task, ...]
    interfaces: tuple[Interface, ...]
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
    blockers: tuple[str, ...] = Field(description="Each blocker behind the id of its task.")
    next_milestone: str = Field(description="The title of the first task, in dependency order, that is not completed.")


class Project(Wire):
    """`taskResults` has one entry for each task, in the order of the plan."""

    plan: Plan
    task_results: tuple[TaskResult, ...]
    execution: PlanProgress


class OrchestratorWorkerResult(Project):
    summary: str


class PlanInput(Wire):
    feature_description: str
    max_tasks: int


class FinishedTask(Wire):
    task: Task
    result: TaskResult


class ExecuteInput(Wire):
    feature_description: str
    #: All of the plan's.
    interfaces: tuple[Interface, ...]
    task: Task
    #: The tasks this one depends on, with what came of them.
    dependencies: tuple[FinishedTask, ...]


class SummarizeInput(Project):
    feature_description: str
