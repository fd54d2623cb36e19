"""An MCP server: what the company pays for, in euros."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("policy")


@server.tool()
def allowance(kind: str) -> str:
    """What is paid for a night, a day's meals or a journey by train: `kind` is night, meals or train."""
    paid = {"night": "up to 140 EUR", "meals": "42 EUR a day", "train": "all of it, second class"}
    return paid.get(kind, "nothing is said of that")


if __name__ == "__main__":
    server.run()
