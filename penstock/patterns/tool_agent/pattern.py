"""An agent with tools of an author's own.

problem ──▶ think and call tools, turn by turn ──▶ the last turn is its answer ──▶ result
                              │                                                      ▲
                              └── no turn is left ──▶ ANSWER says how far it came ───┘
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from penstock.contracts.tool import Tool
from penstock.contracts.turns import ToolCall
from penstock.mcp import McpTools
from penstock.pattern import Pattern, Run
from penstock.patterns.tool_agent.contract import ToolAgentRequest, ToolAgentResult, ToolUse, Work
from penstock.patterns.tool_agent.loop import work_out
from penstock.patterns.tool_agent.think import answer_step, think_step
from penstock.patterns.tool_agent.toolset import Toolset, Used


def tool_agent(
    *,
    name: str,
    tools: Iterable[Tool[Any, Any] | McpTools],
    instructions: str | Path,
    summary: str = "Work on a problem in turns with tools, then answer.",
    example: str = "What can you do with your tools?",
) -> Pattern[ToolAgentRequest, ToolAgentResult]:
    """A pattern whose model has `tools`. Each call is a step of it, journaled and in a queue of its own.

    `instructions`: the system text, or a file with it. `example`: a problem that shows the pattern. Raises
    Misconfigured where two tools have one name.
    """
    told = instructions if isinstance(instructions, str) else instructions.read_text(encoding="utf-8").strip()
    toolset = Toolset(tools)
    think, answer = think_step(toolset, told), answer_step(told)

    async def agent(run: Run, request: ToolAgentRequest) -> ToolAgentResult:
        problem, turns = request.problem, request.options.max_turns
        worked = await work_out(run, problem, think=think, tools=toolset, max_turns=turns, shown=_shown)
        if worked.complete:
            said = worked.transcript[-1].text
            run.put("/answer", said)
        else:
            said = await run.step(answer, Work(problem=problem, transcript=worked.transcript), into="/answer")
        return ToolAgentResult(steps=worked.steps, complete=worked.complete, answer=said)

    return Pattern(
        name=name,
        summary=summary,
        run=agent,
        request=ToolAgentRequest,
        result=ToolAgentResult,
        steps=(think, answer, *toolset.steps),
        example=ToolAgentRequest(problem=example),
    )


def _shown(number: int, why: str, call: ToolCall, used: Used) -> ToolUse:
    return ToolUse(step=number, description=why, tool=call.name, asked=used.asked, result=used.answered)
