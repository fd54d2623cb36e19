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
    options: OrchestratorWorkerOptions = Field(default=OrchestratorWorkerOptions(), description="How the job is run.")


class Task(Wire):
    id: str = Field(min_length=1, max_length=64, description="Unique in the plan, such as t1.")
    title: str = Field(description="In a few words.")
    description: str = Field(description="What someone can work from without asking.")
    dependencies: tuple[str, ...] = Field(description="Ids of the tasks whose output this one needs.")
    estimated_hours: float = Field(ge=0, description="If all goes as expected.")
    maximum_hours: float = Field(ge=0, description="If what could go wrong does.")
    priority: Literal["low", "medium", "high"] = Field(description="How soon it is needed.")
    type: TaskType = Field(description="Who does it.")


class Interface(Wire):
    """What several tasks must name or shape alike: an endpoint, a table, a schema, a function."""

    name: str = Field(description="As each task calls it.")
    definition: str = Field(description="Exactly as each task is to use it.")


class Plan(Wire):
    """A plan that can be carried out: `plan_check.py` has seen to that."""

    tasks: tuple[Task, ...] = Field(description="The work to be done.")
    interfaces: tuple[Interface, ...] = Field(description="What several tasks must name or shape alike.")
    timeline: str = Field(description="A range, with what it depends on.")
    risks: tuple[str, ...] = Field(description="What could upset the plan, and its sign.")


class TaskOutput(Wire):
    """A task's result as its executor gives it."""

    status: Literal["completed", "in_progress", "blocked"] = Field(
        description="Whether all of it is done, a part, or nothing useful can be."
    )
    output: str = Field(description="The work itself.")
    next_steps: tuple[str, ...] = Field(description="What remains, or follows from the work.")
    blockers: tuple[str, ...] = Field(description="What is missing, and who could give it.")


class TaskResult(TaskOutput):
    """The same, with the task it is of."""

    task_id: str = Field(description="The id of the task in the plan.")


class PlanProgress(Wire):
    """Counted by the run from the task results."""

    completed_tasks: int = Field(description="How many tasks are completed.")
    total_tasks: int = Field(description="How many tasks the plan has.")
    blockers: tuple[str, ...] = Field(description="Each blocker behind the id of its task.")
    next_milestone: str = Field(description="The title of the first task, in dependency order, that is not completed.")


class Project(Wire):
    """A plan, and what has come of it."""

    plan: Plan = Field(description="The tasks, and what they share.")
    task_results: tuple[TaskResult, ...] = Field(description="One for each task, in the order of the plan.")
    execution: PlanProgress = Field(description="What has come of the plan, counted.")


class OrchestratorWorkerResult(Project):
    summary: str = Field(description="A report to those who wait for the feature.")


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
