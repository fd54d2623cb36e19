"""Multi-step tool usage: the model thinks and calls tools until it needs none any more.

problem ──▶ THINK ──▶ calls tools? ──no──▶ CONCLUDE ──▶ result
              ▲            │ yes
              └── TOOLS ◀──┘ each call a step, those of one turn at once
"""

import asyncio

from penstock.contracts.turns import ToolCall, ToolResult, Turn
from penstock.errors import PatternFailure
from penstock.pattern import Pattern, Run
from penstock.patterns.multi_step_tool_usage import contract
from penstock.patterns.multi_step_tool_usage.contract import CONCLUDE, THINK, SolutionStep
from penstock.patterns.multi_step_tool_usage.tool_use import use
from penstock.tools import TOOLS


async def multi_step_tool_usage(
    run: Run, request: contract.MultiStepToolUsageRequest
) -> contract.MultiStepToolUsageResult:
    problem, max_turns = request.problem, request.options.max_turns
    run.put("/problem", problem)
    transcript: list[Turn] = []
    steps: list[SolutionStep] = []
    slots = asyncio.Semaphore(run.fan_out)

    async def carry_out(call: ToolCall, why: str, turn: int, index: int) -> tuple[SolutionStep, ToolResult]:
        number = len(steps) + index
        async with slots:
            asked, answered, output = await use(run, call, key=f"call-{turn}-{index}")
        step = SolutionStep(step=number, description=why, calculation=asked, result=answered)
        run.put(f"/steps/{number - 1}", step)
        return step, ToolResult(id=call.id, name=call.name, output=output)

    for turn in range(1, max_turns + 1):
        reply = await run.step(THINK, contract.Work(problem=problem, transcript=tuple(transcript)))
        transcript.append(reply)
        if not reply.calls:
            break
        why, numbered = reply.text.strip(), enumerate(reply.calls, start=1)
        done = await asyncio.gather(
            *(carry_out(call, why or f"Use {call.name}", turn, index) for index, call in numbered)
        )
        steps += [step for step, _ in done]
        transcript.append(Turn(role="user", parts=tuple(result for _, result in done)))
    else:
        raise PatternFailure("budget_exhausted", f"No answer after {max_turns} turns with {len(steps)} tool calls.")

    if steps:
        run.close("/steps")
    else:
        run.put("/steps", [])
    conclusion = await run.step(CONCLUDE, contract.Work(problem=problem, transcript=tuple(transcript)), into="")
    return contract.MultiStepToolUsageResult(problem=problem, steps=tuple(steps), **dict(conclusion))


PATTERN = Pattern(
    name="multi-step-tool-usage",
    summary="Solve a problem in turns with tools that really calculate and check, then conclude.",
    run=multi_step_tool_usage,
    request=contract.MultiStepToolUsageRequest,
    result=contract.MultiStepToolUsageResult,
    steps=(THINK, CONCLUDE, *(tool.step for tool in TOOLS.values())),
    example=contract.MultiStepToolUsageRequest(problem="A shirt costs 80 euros. What is it at 15% off, then 19% tax?"),
)
