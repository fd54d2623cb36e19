"""One MCP server, from this process: connected at the first use, and anew after it has died or hung."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import JsonValue

from penstock.cancelling import stop
from penstock.contracts.tool import Declaration
from penstock.errors import Transient
from penstock.installed import __version__
from penstock.mcp.answer import McpAnswer, answer_of, bounded
from penstock.mcp.server import McpServer

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client import Transport

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds in which a server has to start, and to show that it lives, and after which its tools are listed anew.
_START, _PROBE, _FRESH = 60.0, 5.0, 60.0
#: Pages of tools, tools, and characters of what one says of itself.
_PAGES, _MOST_TOOLS, _LONGEST_DESCRIPTION = 20, 128, 4_000
#: Codes of the protocol's errors by which the connection may have ended: closed, timed out.
_CLOSED, _TIMED_OUT = -32000, -32001
#: What Gemini takes for a function's name.
_LONGEST_NAME, _NOT_IN_NAMES = 128, re.compile(r"[^A-Za-z0-9_.:-]")


class _Gone(Exception):
    """The connection has ended, or cannot be made."""


class _Link:
    """One connection. It is opened, held and closed by one task, as the SDK requires."""

    def __init__(self, name: str, server: McpServer) -> None:
        self._name, self._server = name, server
        self.client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self.client.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
        self.task = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(_START):
                    client = await stack.enter_async_context(await self._made(stack))
                self.client.set_result(client)
                await asyncio.Event().wait()
        except Exception as error:
            log.warning("the MCP server %s has failed: %s", self._name, _leaf(error))
            if not self.client.done():
                self.client.set_exception(_Gone(_leaf(error)))
        finally:
            self.client.cancel()

    async def _made(self, stack: AsyncExitStack) -> "Client":
        import httpx2
        from mcp import Client, StdioServerParameters
        from mcp.client.streamable_http import streamable_http_client
        from mcp.types import Implementation

        server = self._server
        target: StdioServerParameters | Transport
        if server.command is not None:
            target = StdioServerParameters(
                command=server.command, args=list(server.args), env=server.env, cwd=server.cwd
            )
        else:
            limits = httpx2.Timeout(_START, read=max(_START, server.timeout_seconds + _PROBE))
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=server.headers, timeout=limits))
            target = streamable_http_client(server.url or "", http_client=http)
        # without callbacks it is told that it can ask this client, its model and its user for nothing
        about = Implementation(name="penstock", version=__version__)
        return Client(target, read_timeout_seconds=_START, client_info=about, cache=None)

    async def ask(self, question: "Callable[[Client], Awaitable[T]]", seconds: float) -> T:
        """`seconds` from when it is connected. Raises _Gone, TimeoutError, and what the SDK raises."""
        await asyncio.wait((self.client,))
        if self.client.cancelled():
            raise _Gone("its connection has ended")
        asking = asyncio.ensure_future(question(self.client.result()))
        try:
            await asyncio.wait((asking, self.task), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done() and not self.task.done():
                raise TimeoutError(f"no answer within {seconds:g} s")
            if not asking.done() or asking.cancelled():
                raise _Gone("its connection has ended")
            return asking.result()
        finally:
            await stop(asking)


class McpConnection:
    """To be used in one event loop, with `aclose` at the end, which leaves no process behind."""

    def __init__(self, name: str, server: McpServer) -> None:
        self._name, self._server = name, server
        self._link: _Link | None = None
        self._ending: set[asyncio.Task[None]] = set()
        #: The server's own name of each tool, by the one that models are told, and what they are told; as last listed.
        self._names: dict[str, str] = {}
        self._declared: tuple[Declaration, ...] | None = None
        self._listed: tuple[_Link | None, float] = None, 0.0

    def start(self) -> None:
        """Connect, if there is no connection, without waiting for it."""
        self._connected()

    async def declarations(self, *, attempt: int) -> tuple[Declaration, ...] | None:
        """What models are told of its tools: as it says now, or as it last said.

        None where it has not answered yet. Raises Transient in the first two attempts instead.
        """
        link, now = self._connected(), asyncio.get_running_loop().time()
        if self._listed[0] is not link or now > self._listed[1] + _FRESH:
            try:
                await self._list(link)
            except Exception as error:
                self._drop(link)
                if self._declared is None and attempt < 3:
                    raise self._unavailable(error) from error
        return self._declared

    async def call(self, tool: str, arguments: dict[str, JsonValue]) -> McpAnswer:
        """What the tool answers; an error of the tool, or that it is too slow, is an answer.

        Raises Transient where the server is dead, or does not answer anything any more: it is started again then.
        """
        link, seconds = self._connected(), self._server.timeout_seconds
        try:
            if tool not in self._names:
                await self._list(link)
            if (name := self._names.get(tool)) is None:
                return McpAnswer(error=f"there is no tool {tool[:100]!r}; there are {', '.join(self._names)}")
            # in the client's time, which tells the server, and else in ours
            calling = lambda client: client.call_tool(name, arguments, read_timeout_seconds=seconds)  # noqa: E731
            return answer_of(await link.ask(calling, seconds + _PROBE))
        except Exception as error:
            code = getattr(error, "code", None)
            if code is not None and code not in (_CLOSED, _TIMED_OUT):
                return McpAnswer(error=bounded(str(error)))
            if await self._lives(link):
                slow = code == _TIMED_OUT or isinstance(error, TimeoutError)
                return McpAnswer(error=f"no answer within {seconds:g} s" if slow else bounded(_leaf(error)))
            self._drop(link)
            raise self._unavailable(error) from error

    async def aclose(self) -> None:
        if self._link is not None:
            self._drop(self._link)
        if self._ending:
            await asyncio.wait(self._ending)

    def _connected(self) -> _Link:
        if self._link is None or self._link.task.done():
            self._link = _Link(self._name, self._server)
        return self._link

    def _drop(self, link: _Link) -> None:
        """The next use connects anew. Cancelled once: the SDK takes its time then, to end the server's process."""
        if self._link is link:
            self._link = None
        if link.task not in self._ending and not link.task.done():
            self._ending.add(link.task)
            link.task.add_done_callback(self._ending.discard)
            link.task.cancel()

    async def _list(self, link: _Link) -> None:
        listed: list[Any] = []

        async def list_all(client: "Client") -> None:
            cursor = None
            for _ in range(_PAGES):
                page = await client.list_tools(cursor=cursor)
                listed.extend(page.tools)
                if not (cursor := page.next_cursor):
                    break

        await link.ask(list_all, _START)
        allowed = self._server.tools
        offered = [one for one in listed if allowed is None or one.name in allowed]
        if len(offered) > _MOST_TOOLS:
            log.warning("the MCP server %s has %d tools: %d are offered", self._name, len(offered), _MOST_TOOLS)
        longest = _LONGEST_NAME - len(f"{self._name}__")
        named = {_NOT_IN_NAMES.sub("_", one.name)[:longest]: one for one in reversed(offered[:_MOST_TOOLS])}
        self._names = {name: one.name for name, one in reversed(named.items())}
        self._declared = tuple(
            Declaration(
                name=f"{self._name}__{name}",
                description=(named[name].description or named[name].title or name)[:_LONGEST_DESCRIPTION],
                parameters=named[name].input_schema,
            )
            for name in self._names
        )
        self._listed = link, asyncio.get_running_loop().time()

    async def _lives(self, link: _Link) -> bool:
        try:
            await link.ask(lambda client: client.list_tools(), min(_PROBE, self._server.timeout_seconds))
        except Exception as error:
            return getattr(error, "code", _CLOSED) not in (_CLOSED, _TIMED_OUT)
        return True

    def _unavailable(self, error: BaseException) -> Transient:
        return Transient("tool_unavailable", f"the MCP server {self._name} does not answer: {_leaf(error)}"[:500])


def _leaf(error: BaseException) -> str:
    """The first of a group's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
