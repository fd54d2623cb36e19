"""The MCP servers that one process talks to."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from penstock.contracts.tool import Declaration
from penstock.depends import Depends
from penstock.errors import Misconfigured
from penstock.installed import require
from penstock.mcp.connection import McpConnection
from penstock.mcp.server import servers_in
from penstock.settings import Settings

if TYPE_CHECKING:
    from penstock.mcp.tools import McpTools


class McpConnections:
    """Shared by all steps of a process: of each server there is one connection, whichever patterns use it."""

    def __init__(self, configured: Path | None) -> None:
        self._file, self._configured = configured, servers_in(configured)
        self._connections: dict[tuple[str, str], McpConnection] = {}

    def of(self, tools: "McpTools") -> McpConnection:
        """The server is the configured one of that name, or that of the code.

        Raises Misconfigured if there is none, or it needs what is not installed or not set.
        """
        require("mcp")
        server = self._configured.get(tools.name, tools.server)
        if server is None:
            where = f"{self._file} has no such server" if self._file else "PENSTOCK_MCP names no file"
            raise Misconfigured(f"MCP server {tools.name}: {where}, and mcp_tools({tools.name!r}) has none either")
        key = tools.name, server.model_dump_json()
        if key not in self._connections:
            self._connections[key] = McpConnection(tools.name, server.expanded(tools.name))
        return self._connections[key]

    async def declarations(self, several: "Iterable[McpTools]", attempt: int) -> tuple[list[Declaration], list[str]]:
        """What models are told of their tools, and the names of servers that have not answered yet."""
        asked = list(several)
        told = await asyncio.gather(*(self.of(one).declarations(attempt=attempt) for one in asked))
        missing = [f"{one.name}__*" for one, declared in zip(asked, told, strict=True) if declared is None]
        return [each for declared in told for each in declared or ()], missing

    async def aclose(self) -> None:
        await asyncio.gather(*(connection.aclose() for connection in self._connections.values()))


async def _opened(settings: Annotated[Settings, Depends(Settings)]) -> AsyncIterator[McpConnections]:
    connections = McpConnections(settings.mcp)
    try:
        yield connections
    finally:
        await connections.aclose()


#: A process's own, for the `do` of a step.
Opened = Annotated[McpConnections, Depends(_opened)]
