"""The loop of every agent with tools: it thinks and calls tools until it needs none any more.

problem ──▶ THINK ──▶ calls tools? ──no──▶ asked for more? ──no──▶ worked out
              ▲            │ yes                  │ yes               ▲
              ├── TOOLS ◀──┘ each call a step     │                   │
              ├── what it is asked for ◀──────────┘                   │
              └── no turn is left ────────────────────────────────────┘
"""

import asyncio
from collections.abc import Callable, Sequence

from penstock.contracts.step import Step
from penstock.contracts.turns import ToolCall, ToolResult, Turn
from penstock.pattern import Run
from penstock.patterns.tool_agent.contract import Shown, Work, Worked, call_key
from penstock.patterns.tool_agent.toolset import Toolset, Used


async def work_out(
    run: Run,
    problem: str,
    *,
    think: Step[Work, Turn],
    tools: Toolset,
    max_turns: int,
    shown: Callable[[int, str, ToolCall, Used], Shown],
    more: Callable[[Sequence[Turn]], Turn | None] = lambda transcript: None,
) -> Worked[Shown]:
    """Writes `/steps` and `/complete` of the result.

    What the model writes in a turn grows as the description of the next call; where no call follows, it is retracted.
    Readers of plain JSON are sent it once the call has its number: nothing sent to them can be taken back.

    At most `run.fan_out` calls are under way at once. `shown`: a call as it stands in `/steps`, from its number, why it
    was made, and what came of it. `more`: what a model that has an answer is asked for before it counts, if a turn
    is left; None for nothing.
    """
    transcript: list[Turn] = []
    steps: list[Shown] = []
    slots = asyncio.Semaphore(run.fan_out)

    async def carry_out(call: ToolCall, why: str, turn: int, index: int) -> tuple[Shown, ToolResult]:
        number = len(steps) + index
        at = f"/steps/{number - 1}"
        async with slots:
            used = await tools.use(run, call, key=call_key(turn, index))
        step = shown(number, why or f"Use {call.name}", call, used)
        if why and index == 1:
            run.put(f"{at}/", step.model_dump(mode="json", exclude={"step", "description"}))
            run.close(at)
        else:
            run.put(at, step)
        return step, ToolResult(id=call.id, name=call.name, output=used.output)

    for turn in range(1, max_turns + 1):
        at = f"/steps/{len(steps)}"
        work = Work(problem=problem, transcript=tuple(transcript))
        reply = await run.step(think, work, into=f"{at}/description")
        transcript.append(reply)
        why = reply.words
        if why and reply.calls:
            run.put(f"{at}/step", len(steps) + 1)
        elif why:
            run.retract(at)
        if reply.calls:
            done = await asyncio.gather(*(carry_out(call, why, turn, i) for i, call in enumerate(reply.calls, 1)))
            steps += [step for step, _ in done]
            transcript.append(Turn(role="user", parts=tuple(result for _, result in done)))
        elif turn < max_turns and (asked := more(transcript)) is not None:
            transcript.append(asked)
        else:
            break
    if steps:
        run.close("/steps")
    else:
        run.put("/steps", [])
    run.put("/complete", not reply.calls)
    return Worked(tuple(transcript), tuple(steps), not reply.calls)
