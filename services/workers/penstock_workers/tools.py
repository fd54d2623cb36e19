"""The tools as executors: their work is done in a sandbox, and needs no model."""

from collections.abc import Mapping
from typing import Any

from penstock.contracts.step import Step
from penstock.errors import Transient
from penstock.hosting.installed import require
from penstock.llm.ask import StepModel
from penstock.pattern import Pattern
from penstock.steps.executor import Executable, MakeExecutor
from penstock.tools import TOOLS, Tool
from penstock.tools.sandbox import Sandbox, SandboxBroken


def tool_executors(sandbox: Sandbox) -> Mapping[str, MakeExecutor]:
    """step name -> its executor, for every tool in the table."""
    return {tool.step.name: _maker(tool, sandbox) for tool in TOOLS.values()}


def _maker(tool: Tool[Any, Any], sandbox: Sandbox) -> MakeExecutor:
    def make(_: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
        require("tools")  # now, not at the first call

        async def call(request: Any, *, model: StepModel) -> Any:
            try:
                return await tool.function(request, sandbox=sandbox)
            except SandboxBroken as broken:
                raise Transient("tool_unavailable", str(broken)) from broken

        return Executable(step, call, uses_model=False)

    return make
