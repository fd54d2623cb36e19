"""A connection that was closed is closed, also one that was about to connect again."""

import asyncio

import pytest
from nats.aio.client import Client, Srv

from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

#: In so many turns of the event loop a connection on this machine has been made again.
_TURNS = 16


async def _reconnects(connection: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return once it has begun to connect again."""
    begun = asyncio.Event()

    connect_to = connection._connect_to_server

    async def noting(server: Srv) -> None:
        begun.set()
        await connect_to(server)

    monkeypatch.setattr(connection, "_connect_to_server", noting)
    await connection.force_reconnect()
    await begun.wait()


@pytest.mark.parametrize("begun", [False, True])
async def test_nothing_of_a_connection_lives_on(begun: bool, nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(nats_url=nats.url)
    before = asyncio.all_tasks()
    for turns in range(_TURNS):
        bus = await connect(settings, "test")
        await bus.time.read(bus.connection)  # makes a subscription, whose task would be left as well
        if begun:
            await _reconnects(bus.connection, monkeypatch)
        else:
            await bus.connection.force_reconnect()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await bus.connection.close()
            while left := asyncio.all_tasks() - before:  # what has been cancelled ends in the next turns
                if not any(task.cancelling() for task in left):
                    break
                await asyncio.wait(left)
        assert not left, f"{turns} turns after it began"
        assert bus.connection.is_closed


async def test_a_connection_that_is_not_made_in_time_leaves_nothing() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(writer)

    heard = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        settings = Settings(nats_url=f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        connecting = asyncio.create_task(connect(settings, "test"))
        writer = await heard
        connecting.cancel()
        await asyncio.wait({connecting})
        assert connecting.cancelled()
        writer.close()
        await writer.wait_closed()
