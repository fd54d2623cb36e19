"""Tools of MCP servers (Model Context Protocol), over stdio and streamable HTTP.

mcp_tools("time") ──▶ what a model is told of each, asked of the server by the workers
                 └──▶ one step, `mcp-time`: its queue is known before the server is
"""

from penstock.mcp.connections import McpConnections, Opened
from penstock.mcp.server import McpServer
from penstock.mcp.tools import McpTools, mcp_tools

__all__ = ["McpConnections", "McpServer", "McpTools", "Opened", "mcp_tools"]
