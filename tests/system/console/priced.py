"""A simulator whose replies name models that have a price, so that there is a cost to compare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from penstock.simulator.app import listening
from tests.support.simulator import serving

_OF_A_CONNECTION = {"host", "content-length", "transfer-encoding", "connection"}


@asynccontextmanager
async def priced() -> AsyncIterator[tuple[str, str]]:
    """The addresses to steer it at, and to ask it at: what is asked there is answered as by the model asked for."""
    async with serving() as simulator, httpx.AsyncClient(base_url=simulator, timeout=600, trust_env=False) as http:

        async def relay(request: Request) -> Response:
            headers = {name: value for name, value in request.headers.items() if name not in _OF_A_CONNECTION}
            url = f"{request.url.path}?{request.url.query}"
            asked = http.build_request(request.method, url, headers=headers, content=await request.body())
            answer = await http.send(asked, stream=True)

            async def body() -> AsyncIterator[str]:
                async for line in answer.aiter_lines():
                    yield line.replace('"simulator/', '"') + "\n"

            kept = {"content-type": answer.headers["content-type"]}
            return StreamingResponse(body(), answer.status_code, kept, background=BackgroundTask(answer.aclose))

        app = Starlette(routes=[Route("/{path:path}", relay, methods=["POST"])])
        listener, url = listening("127.0.0.1", 0)
        config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield simulator, url
        finally:
            server.should_exit = True
            await running
