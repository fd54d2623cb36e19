"""A tool as an executor: its work is done in a sandbox, and needs no model.

Its calls wait in the queue until a sandbox is free, and keep no model step from its slot.
"""

from typing import Any

from penstock.contracts.step import Step
from penstock.errors import Transient
from penstock.hosting.installed import require
from penstock.llm.ask import StepModel
from penstock.pattern import Pattern
from penstock.steps.executor import Executable
from penstock.tools import Tool
from penstock.tools.sandbox import Sandbox, SandboxBroken


def tool_executable(sandbox: Sandbox, tool: Tool[Any, Any], _: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
    require("tools")  # now, not at the first call

    async def call(request: Any, *, model: StepModel) -> Any:
        try:
            return await tool.function(request, sandbox=sandbox)
        except SandboxBroken as broken:
            raise Transient("tool_unavailable", str(broken)) from broken

    return Executable(step, call, uses_model=False, slots=sandbox.size)
