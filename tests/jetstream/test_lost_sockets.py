"""A socket that is closed and not known to be: with uvloop, which services run on, a write then raises RuntimeError."""

import asyncio
from pathlib import Path

import uvloop

from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer


async def _lose_the_socket(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE), NatsServer(folder) as server:
        settings = Settings(nats_url=server.url)
        bus = await connect(settings, "test")
        await declare(bus.jetstream, settings)
        for action in (
            bus.last_from_leader("jobs.default.a.b"),
            bus.subscribe("live.default.b", _ignore),
        ):
            assert bus.connection.is_connected
            # as after a write that failed: the task that writes is gone, and each caller writes by itself
            await _end(bus.connection._flusher_task)
            bus.connection._transport._io_writer.transport.close()  # type: ignore[union-attr]
            await action
            await bus.last_from_leader("jobs.default.a.b")
        assert await bus.once("jobs.default.a.b", b"{}")
        await bus.connection.close()


async def _end(task: asyncio.Task[None] | None) -> None:
    assert task is not None
    task.cancel()
    await asyncio.wait({task})


def _ignore(_: object) -> None:
    pass


def test_reads_and_subscriptions_outlive_the_socket_they_were_to_use(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_lose_the_socket(tmp_path))
