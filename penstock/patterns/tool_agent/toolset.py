"""The tools of one agent, and a call of one: a step if it fits a tool, else an error that the model can act on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from penstock.contracts.step import Step
from penstock.contracts.tool import Tool
from penstock.contracts.turns import ToolCall
from penstock.errors import Misconfigured, StepFailed
from penstock.mcp import McpTools
from penstock.pattern import Run


@dataclass(frozen=True)
class Used:
    """What came of a call: what it asked (None where it fits no tool) and the answer for readers, the output for the
    model. An error, of the call or in the tool, is an output like any other.
    """

    asked: str | None
    answered: str
    output: dict[str, JsonValue]

    @classmethod
    def failed(cls, asked: str | None, detail: str) -> "Used":
        return cls(asked, f"error: {detail}", {"error": detail})


class Toolset:
    """Tools by the names that models call them by. Those of an MCP server are known to the server alone.

    Raises Misconfigured for names that clash.
    """

    def __init__(self, tools: Iterable[Tool[Any, Any] | McpTools]) -> None:
        given = tuple(tools)
        self.tools = {one.name: one for one in given if isinstance(one, Tool)}
        self.servers = {one.name: one for one in given if isinstance(one, McpTools)}
        clash = any(name.startswith(f"{server}__") for name in self.tools for server in self.servers)
        if clash or len(self.tools) + len(self.servers) < len(given):
            raise Misconfigured(f"two tools have one name: {', '.join(one.name for one in given)}")

    @property
    def steps(self) -> tuple[Step[Any, Any], ...]:
        return tuple(one.step for one in (*self.tools.values(), *(each.tool for each in self.servers.values())))

    async def use(self, run: Run, call: ToolCall, *, key: str) -> Used:
        """Have the call done as the step `key`."""
        args: dict[str, JsonValue]
        server, _, rest = call.name.partition("__")
        if server in self.servers:
            tool, args = self.servers[server].tool, {"tool": rest, "arguments": call.args}
        elif call.name in self.tools:
            tool, args = self.tools[call.name], call.args
        else:
            there = ", ".join([*self.tools, *(f"those that begin with {name}__" for name in self.servers)])
            return Used.failed(None, f"there is no tool {call.name[:100]!r}; there are {there}")
        try:
            given = tool.step.input.model_validate(args)
        except ValidationError as unfit:
            errors = unfit.errors(include_url=False, include_input=False, include_context=False)[:5]
            named = "; ".join(f"{'.'.join(map(str, error['loc']))[:100]}: {error['msg']}" for error in errors)
            return Used.failed(None, f"the arguments do not fit {tool.name}: {named}")
        try:
            output = await run.step(tool.step, given, key=key)
        except StepFailed as failure:
            return Used.failed(tool.asked(given), failure.detail)
        as_json = output.model_dump(mode="json") if isinstance(output, BaseModel) else {"output": output}
        return Used(tool.asked(given), tool.answered(output), as_json)
