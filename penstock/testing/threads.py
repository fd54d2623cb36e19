"""Servers beside a test: in a thread with an event loop of their own."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_thread(serving: AbstractAsyncContextManager[T], *, patience: float = 120) -> Iterator[T]:
    """What an async context manager gives, until exit. Raises what it raises, TimeoutError after `patience` seconds."""
    ready: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        try:
            async with serving as given:
                stop = asyncio.Event()
                ready.set_result((given, asyncio.get_running_loop(), stop))
                await stop.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    given, loop, stop = ready.result(patience)
    try:
        yield given
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(patience)
        assert not thread.is_alive(), "a server thread does not end"
