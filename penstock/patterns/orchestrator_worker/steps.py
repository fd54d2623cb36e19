"""The steps, and what is checked of their outputs."""

from typing import get_args

from penstock.contracts.step import Step
from penstock.patterns.orchestrator_worker import contract
from penstock.patterns.orchestrator_worker.plan_check import problems_with

PLAN = Step(
    name="plan",
    input=contract.PlanInput,
    output=contract.Plan,
    complexity="complex",
    thinking="high",
    check=problems_with,
)
#: A step, and so a queue, for each type of task: a worker process may serve some of them only.
EXECUTE: dict[contract.TaskType, Step[contract.ExecuteInput, contract.TaskOutput]] = {
    task_type: Step(
        name=f"execute-{task_type}", input=contract.ExecuteInput, output=contract.TaskOutput, prompt="execute-task"
    )
    for task_type in get_args(contract.TaskType)
}
SUMMARIZE = Step(
    name="summarize", input=contract.SummarizeInput, output=str, complexity="complex", thinking="low", may_shorten=True
)
