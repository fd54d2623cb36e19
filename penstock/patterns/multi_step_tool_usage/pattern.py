"""Multi-step tool usage: the model thinks and calls tools until it needs none any more.

problem ──▶ THINK ──▶ calls tools? ──no──▶ checked, or asked to? ──yes──▶ CONCLUDE ──▶ result
              ▲            │ yes                    │ no                     ▲
              ├── TOOLS ◀──┘ each call a step       │                        │
              ├── "check it first" ◀────────────────┘                        │
              └── no turn is left ───────────────────────────────────────────┘
"""

from penstock.contracts.turns import ToolCall
from penstock.pattern import Pattern, Run
from penstock.patterns.multi_step_tool_usage import contract
from penstock.patterns.multi_step_tool_usage.checking import check_first, last_check, verification_of
from penstock.patterns.tool_agent.loop import work_out
from penstock.patterns.tool_agent.think import think_step
from penstock.patterns.tool_agent.toolset import Toolset, Used
from penstock.tools import TOOLS

TOOLSET = Toolset(TOOLS.values())
THINK = think_step(TOOLSET)


def shown(number: int, why: str, call: ToolCall, used: Used) -> contract.SolutionStep:
    return contract.SolutionStep(step=number, description=why, calculation=used.asked, result=used.answered)


async def multi_step_tool_usage(
    run: Run, request: contract.MultiStepToolUsageRequest
) -> contract.MultiStepToolUsageResult:
    problem, turns = request.problem, request.options.max_turns
    run.put("/problem", problem)
    worked = await work_out(run, problem, think=THINK, tools=TOOLSET, max_turns=turns, shown=shown, more=check_first)
    checked = last_check(problem, worked.transcript)
    run.put("/checked", checked)
    given = contract.ConcludeInput(
        problem=problem, transcript=worked.transcript, complete=worked.complete, checked=checked
    )
    conclusion = await run.step(contract.CONCLUDE, given, into="")
    verification = verification_of(conclusion.final_answer, checked)
    run.put("/answerChecked", verification.answer_checked)
    run.put("/verified", verification.verified)
    said = {**dict(conclusion), **dict(verification)}
    return contract.MultiStepToolUsageResult(
        problem=problem, steps=worked.steps, complete=worked.complete, checked=checked, **said
    )


PATTERN = Pattern(
    name="multi-step-tool-usage",
    summary="Solve a problem in turns with tools that really calculate and check, then conclude.",
    run=multi_step_tool_usage,
    request=contract.MultiStepToolUsageRequest,
    result=contract.MultiStepToolUsageResult,
    steps=(THINK, contract.CONCLUDE, *TOOLSET.steps),
    example=contract.MultiStepToolUsageRequest(problem="A shirt costs 80 euros. What is it at 15% off, then 19% tax?"),
)
