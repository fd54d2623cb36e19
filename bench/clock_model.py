"""A model whose replies are times: each piece of text is the moment at which it was sent, so that readers know its age.

    python -m bench.clock_model

Like the simulator it speaks Gemini's REST API, of which `streamGenerateContent` alone. A prompt says how many pieces it
wants, and every how many milliseconds (`pieces=200 every=50`); one with neither has pieces at the pace of the last
`POST /pace?every=<ms>`, from then until `POST /end`.
"""

import asyncio
import json
import math
import re
import time
from random import random

from aiohttp import web

_WANTED = re.compile(rb"pieces=(\d+) every=(\d+)")


class Clock:
    def __init__(self) -> None:
        self._every = math.inf
        self._changed = asyncio.Event()
        self._ended = False

    async def generate(self, request: web.Request) -> web.StreamResponse:
        wanted = _WANTED.search(await request.read())
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        if wanted:
            count, every = int(wanted[1]), int(wanted[2]) / 1000
            for _ in range(count):
                await asyncio.sleep(every)
                await answer.write(_chunk(f"{time.time():.6f} "))
        else:
            while await self._next():
                await answer.write(_chunk(f"{time.time():.6f} "))
        await answer.write(_chunk("", finishReason="STOP"))
        return answer

    async def pace(self, request: web.Request) -> web.Response:
        self._every = int(request.query["every"]) / 1000
        self._change()
        return web.Response()

    async def end(self, _: web.Request) -> web.Response:
        self._ended = True
        self._change()
        return web.Response()

    async def _next(self) -> bool:
        """Return when the next piece of a steered reply is due; False if none is any more."""
        due = time.monotonic() + self._every
        while not self._ended and (left := due - time.monotonic()) > 0:
            changed = self._changed
            try:
                async with asyncio.timeout(None if left == math.inf else left):
                    await changed.wait()
                due = time.monotonic() + self._every * random()  # not all at the same moment
            except TimeoutError:
                break
        return not self._ended

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _chunk(text: str, **more: str) -> bytes:
    parts = [{"text": text}] if text else []
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}, **more}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return b"data: %b\r\n\r\n" % json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode()


async def main() -> None:
    clock, app = Clock(), web.Application(client_max_size=2**24)
    app.router.add_post("/{version}/models/{model}:streamGenerateContent", clock.generate)
    app.router.add_post("/pace", clock.pace)
    app.router.add_post("/end", clock.end)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(f"clock ready http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
