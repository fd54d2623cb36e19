"""Multi-step tool usage: the model thinks and calls tools until it needs none any more.

problem ──▶ THINK ──▶ calls tools? ──no──▶ checked, or asked to? ──yes──▶ CONCLUDE ──▶ result
              ▲            │ yes                    │ no                     ▲
              ├── TOOLS ◀──┘ each call a step       │                        │
              ├── "check it first" ◀────────────────┘                        │
              └── no turn is left ───────────────────────────────────────────┘
"""

import asyncio

from penstock.contracts.turns import ToolCall, ToolResult, Turn
from penstock.pattern import Pattern, Run
from penstock.patterns.multi_step_tool_usage import contract
from penstock.patterns.multi_step_tool_usage.checking import CHECK_FIRST, last_check, to_be_checked, verification_of
from penstock.patterns.multi_step_tool_usage.think import THINK
from penstock.patterns.multi_step_tool_usage.tool_use import use
from penstock.tools import TOOLS


async def multi_step_tool_usage(
    run: Run, request: contract.MultiStepToolUsageRequest
) -> contract.MultiStepToolUsageResult:
    problem, max_turns = request.problem, request.options.max_turns
    run.put("/problem", problem)
    transcript: list[Turn] = []
    steps: list[contract.SolutionStep] = []
    slots = asyncio.Semaphore(run.fan_out)

    async def carry_out(call: ToolCall, why: str, turn: int, index: int) -> tuple[contract.SolutionStep, ToolResult]:
        number = len(steps) + index
        async with slots:
            asked, answered, output = await use(run, call, key=f"call-{turn}-{index}")
        step = contract.SolutionStep(step=number, description=why, calculation=asked, result=answered)
        run.put(f"/steps/{number - 1}", step)
        return step, ToolResult(id=call.id, name=call.name, output=output)

    for turn in range(1, max_turns + 1):
        reply = await run.step(THINK, contract.Work(problem=problem, transcript=tuple(transcript)))
        transcript.append(reply)
        if reply.calls:
            why = reply.text.strip()
            done = await asyncio.gather(
                *(carry_out(call, why or f"Use {call.name}", turn, index) for index, call in enumerate(reply.calls, 1))
            )
            steps += [step for step, _ in done]
            transcript.append(Turn(role="user", parts=tuple(result for _, result in done)))
        elif turn < max_turns and to_be_checked(transcript):
            transcript.append(CHECK_FIRST)
        else:
            break

    if steps:
        run.close("/steps")
    else:
        run.put("/steps", [])
    complete, checked = not reply.calls, last_check(problem, transcript)
    run.put("/complete", complete)
    run.put("/checked", checked)
    given = contract.ConcludeInput(problem=problem, transcript=tuple(transcript), complete=complete, checked=checked)
    conclusion = await run.step(contract.CONCLUDE, given, into="")
    verification = verification_of(conclusion.final_answer, checked)
    run.put("/answerChecked", verification.answer_checked)
    run.put("/verified", verification.verified)
    said = {**dict(conclusion), **dict(verification)}
    return contract.MultiStepToolUsageResult(
        problem=problem, steps=tuple(steps), complete=complete, checked=checked, **said
    )


PATTERN = Pattern(
    name="multi-step-tool-usage",
    summary="Solve a problem in turns with tools that really calculate and check, then conclude.",
    run=multi_step_tool_usage,
    request=contract.MultiStepToolUsageRequest,
    result=contract.MultiStepToolUsageResult,
    steps=(THINK, contract.CONCLUDE, *(tool.step for tool in TOOLS.values())),
    example=contract.MultiStepToolUsageRequest(problem="A shirt costs 80 euros. What is it at 15% off, then 19% tax?"),
)
