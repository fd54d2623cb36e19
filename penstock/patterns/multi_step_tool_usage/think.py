"""`think`: one turn of a model that has tools."""

import json

from penstock.contracts.step import Step
from penstock.contracts.turns import Turn
from penstock.pattern import StepContext
from penstock.patterns.multi_step_tool_usage.contract import Work
from penstock.tools import TOOLS


async def think(request: Work, context: StepContext) -> Turn:
    """The problem is the first turn; the turns since follow unchanged, with their signatures."""
    return await context.model.turn(context.render(request).then(*request.transcript), tuple(TOOLS.values()))


THINK = Step(
    name="think",
    input=Work,
    output=Turn,
    complexity="complex",
    thinking="high",
    do=think,
    uses_model=True,
    version=json.dumps(
        {name: [tool.description, tool.step.input.model_json_schema()] for name, tool in TOOLS.items()}, sort_keys=True
    ),
)
