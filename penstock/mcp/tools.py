"""The tools of one MCP server, for an agent."""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from penstock.contracts.step import Step
from penstock.contracts.tool import Tool, as_text
from penstock.depends import Depends
from penstock.installed import require
from penstock.mcp.answer import McpAnswer, McpCall
from penstock.mcp.connection import McpConnection
from penstock.mcp.connections import Opened
from penstock.mcp.server import McpServer, server_name

#: Calls at once from one process.
AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class McpTools:
    """Models call each tool `<name>__<tool>`, and every call is the step `mcp-<name>`."""

    name: str
    server: McpServer | None
    #: All of them: what a call is, done by.
    tool: Tool[McpCall, McpAnswer] = field(repr=False)


def mcp_tools(name: str, server: McpServer | None = None) -> McpTools:
    """The tools of the MCP server `name`: of the file in `PENSTOCK_MCP`, or else `server`.

    Only workers talk to it. Raises Misconfigured for a name that cannot be.
    """

    async def connected(connections: Opened) -> McpConnection:
        connection = connections.of(tools)
        connection.start()
        return connection

    async def call(
        given: McpCall, connection: Annotated[McpConnection, Depends(connected, check=partial(require, "mcp"))]
    ) -> McpAnswer:
        return await connection.call(given.tool, given.arguments)

    step = Step(name=f"mcp-{server_name(name)}", input=McpCall, output=McpAnswer, do=call, slots=AT_ONCE)
    tools = McpTools(
        name,
        server,
        Tool(
            name=name,
            description="",
            step=step,
            asked=lambda given: f"{given.tool} {as_text(given.arguments)}",
            answered=lambda answer: answer.text,
        ),
    )
    return tools
