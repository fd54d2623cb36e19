"""A server that sends bytes as they are given: for what Google's servers and proxies do and the simulator does not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return self.path.partition("/models/")[2].partition(":")[0]


@dataclass
class Wire:
    """Answers each connection's request with the next of `answers`, the last one for ever."""

    answers: list[bytes]
    asked: list[Asked] = field(default_factory=list)
    hold: asyncio.Event | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked.append(Asked(head[0].split()[1], headers, json.loads(body)))
            writer.write(self.answers[min(len(self.asked), len(self.answers)) - 1])
            await writer.drain()
            if self.hold is not None:
                await reader.read()
                self.gone.set()
        except ConnectionError:
            self.gone.set()
        finally:
            writer.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def error(code: int, message: str = "no", details: list[dict[str, Any]] | None = None, *headers: str) -> bytes:
    """Google's error object, in the list that its streaming methods wrap it in."""
    problem = {"code": code, "message": message, "status": "STATUS", "details": details or []}
    return http(f"{code} X", json.dumps([{"error": problem}]).encode(), *headers)


def events(*responses: Any, ended: bool = True) -> bytes:
    """A stream of server-sent events; `ended` False leaves its chunked body without an end."""
    body = b"".join(b"data: " + json.dumps(response).encode() + b"\r\n\r\n" for response in responses)
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n" + (b"0\r\n\r\n" if ended else b"")


def parts(*given: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One response with these parts."""
    candidate = {"content": {"role": "model", "parts": list(given)}} | ({"finishReason": finish} if finish else {})
    return {"candidates": [candidate], **more}


def said(text: str, finish: str = "STOP", **more: Any) -> bytes:
    """A whole reply of one text."""
    return events(parts({"text": text}, finish=finish, **more))
