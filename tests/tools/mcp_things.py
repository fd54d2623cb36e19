"""An MCP server, as a program: `mcp_things.py`, or `mcp_things.py <port>` for streamable HTTP."""

import asyncio
import os
import signal
import sys
import threading

from mcp.server.mcpserver import Image, MCPServer

server = MCPServer("things")


@server.tool()
def add(first: int, second: int) -> int:
    """Adds two whole numbers."""
    return first + second


@server.tool()
def pid() -> int:
    """The process."""
    return os.getpid()


@server.tool()
def environment() -> list[str]:
    """What it was given."""
    return [f"{name}={value}" for name, value in sorted(os.environ.items())]


@server.tool()
def die() -> None:
    """Ends the server in the middle of the call."""
    os.kill(os.getpid(), signal.SIGKILL)


@server.tool()
def freeze() -> None:
    """It answers nothing from now on."""
    os.kill(os.getpid(), signal.SIGSTOP)


@server.tool()
async def take_for_ever() -> None:
    """It lives, and goes on with this call."""
    await asyncio.Event().wait()


@server.tool()
def fail() -> None:
    """Has an error of its own."""
    raise ValueError("the shelf is empty")


@server.tool()
def write_much(characters: int) -> str:
    """A long text."""
    return "x" * characters


@server.tool(name="draw/it")
def draw() -> Image:
    """An image."""
    return Image(data=b"\x89PNG", format="png")


if __name__ == "__main__":
    if sys.argv[1:]:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
