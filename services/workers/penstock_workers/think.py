"""`think`: one turn of a model that has tools."""

from typing import Any

from penstock.contracts.step import Step
from penstock.contracts.turns import Turn
from penstock.llm.ask import StepModel
from penstock.pattern import Pattern
from penstock.patterns.multi_step_tool_usage.contract import Work
from penstock.steps.executor import Executable
from penstock.steps.prompts import PromptFile, version_of
from penstock.tools import TOOLS


def think_executable(pattern: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
    """The problem is the first turn; the turns since follow unchanged, with their signatures."""
    prompt = PromptFile.of(pattern, step)

    async def think(request: Work, *, model: StepModel) -> Turn:
        return await model.turn(prompt.render(request).then(*request.transcript), tuple(TOOLS.values()))

    return Executable(step, think, prompt=version_of(prompt.text, step))
