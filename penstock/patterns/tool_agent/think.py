"""`think`: one turn of a model that has tools; `answer`: what it says when it has no turn left."""

import json
from dataclasses import replace
from typing import Annotated

from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step
from penstock.contracts.turns import Turn
from penstock.depends import Depends
from penstock.mcp import McpConnections, Opened
from penstock.pattern import StepContext
from penstock.patterns.tool_agent.contract import Work
from penstock.patterns.tool_agent.toolset import Toolset


def think_step(tools: Toolset, instructions: str = "") -> Step[Work, Turn]:
    """The problem is the first turn; the turns since follow unchanged, with their signatures.

    What the tools of MCP servers are is asked of them where the step is executed: first when that process starts.
    """

    async def connected(connections: Opened) -> McpConnections:
        for server in tools.servers.values():
            connections.of(server).start()
        return connections

    async def think(
        request: Work, context: StepContext, connections: Annotated[McpConnections, Depends(connected)]
    ) -> Turn:
        offered = list(tools.tools.values())
        declared, missing = await connections.declarations(tools.servers.values(), context.attempt)
        prompt = prompted(request, context.render(request))
        if missing:
            told = f"Their servers do not answer, so you do not have these tools now: {', '.join(missing)}."
            prompt = replace(prompt, system=f"{prompt.system}\n\n{told}")
        return await context.model.turn(prompt, (*offered, *declared), stream=True)

    def prompted(request: Work, prompt: Prompt) -> Prompt:
        return _instructed(prompt, instructions).then(*request.transcript)

    described = {name: [tool.description, tool.step.input.model_json_schema()] for name, tool in tools.tools.items()}
    version = json.dumps(described, sort_keys=True) + "".join(tools.servers) + instructions
    return Step(
        name="think",
        input=Work,
        output=Turn,
        complexity="complex",
        thinking="high",
        do=think,
        prompted=prompted,
        uses_model=True,
        version=version,
    )


def answer_step(instructions: str) -> Step[Work, str]:
    """How far it came, from the record of the work."""

    async def answer(request: Work, context: StepContext) -> str:
        return await context.model.text(prompted(request, context.render(request)), stream=True)

    def prompted(request: Work, prompt: Prompt) -> Prompt:
        return _instructed(prompt, instructions)

    return Step(
        name="answer",
        input=Work,
        output=str,
        complexity="complex",
        do=answer,
        prompted=prompted,
        uses_model=True,
        version=instructions,
    )


def _instructed(prompt: Prompt, instructions: str) -> Prompt:
    return replace(prompt, system=f"{instructions}\n\n{prompt.system}".strip())
