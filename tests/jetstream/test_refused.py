"""A server that refuses what it let before: while its users change, and for a user who may not do something."""

import asyncio
import json
import logging
import os
import signal
from pathlib import Path
from typing import Self

import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from penstock.errors import Misconfigured
from penstock.hosting.broker import Broker
from penstock.jetstream.asking import asked
from penstock.jetstream.connection import connect, connect_options, report
from penstock.jetstream.mended import mended
from penstock.jetstream.storage import NotPermitted
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer


class Users:
    """The server's one user, whose password can be another from now on."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "users.conf"
        self.server = NatsServer(folder / "nats", "-c", str(self._config))
        self._write("right")
        self.settings = Settings(nats_url=self.server.url, nats_user="one", nats_password=SecretStr("right"))

    def change(self, password: str) -> None:
        self._write(password)
        assert self.server.pid is not None
        os.kill(self.server.pid, signal.SIGHUP)

    def _write(self, password: str) -> None:
        port, store = self.server.url.rpartition(":")[2], json.dumps(str(self._config.parent / "jetstream"))
        may = 'permissions: { publish: ["_INBOX.>", "$JS.API.INFO", "one"], subscribe: ["one", "_INBOX.one.>"] }'
        user = f'{{ user: one, password: "{password}", {may} }}'
        self._config.write_text(
            f"listen: 127.0.0.1:{port}\njetstream {{ store_dir: {store} }}\nauthorization {{ users: [{user}] }}"
        )


class Logged(logging.Handler):
    """What is logged within `with`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._logger, self._said = logging.getLogger(name), asyncio.Queue[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self._said.put_nowait(record.getMessage())

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

    async def until(self, text: str) -> None:
        while text not in (await self._said.get()).lower():
            pass


@pytest.mark.parametrize("service", [True, False])
async def test_a_connection_is_made_again_once_the_server_lets_it(service: bool, tmp_path: Path) -> None:
    """As after a reload that came too early, or was put right: a service needs no restart."""
    users, again = Users(tmp_path), asyncio.Event()

    async def reconnected() -> None:
        again.set()

    async with asyncio.timeout(PATIENCE), users.server:
        if service:
            connection = await Broker(users.settings, "workers", reconnected).connect()
        else:
            connection = mended(Client())
            options = connect_options(users.settings, "test")
            await connection.connect(**options, error_cb=report, reconnected_cb=reconnected)
        subscription = await connection.subscribe("one")
        with Logged(report.__module__) as logged:
            users.change("wrong")
            await logged.until("authorization violation")  # it is sent away
            await logged.until("authorization violation")  # it has tried again
        users.change("right")
        await again.wait()
        await connection.publish("one", b"here")
        assert (await subscription.next_msg(PATIENCE)).data == b"here"
        await connection.close()


async def test_a_service_that_is_refused_at_its_start_says_so_and_ends(tmp_path: Path) -> None:
    users = Users(tmp_path)
    settings = users.settings.model_copy(update={"nats_password": SecretStr("wrong")})
    async with asyncio.timeout(PATIENCE), users.server:
        with pytest.raises(Misconfigured, match=r"does not let us in .*PENSTOCK_NATS_PASSWORD"):
            await Broker(settings, "workers", _nothing).connect()


async def _nothing() -> None:
    pass


async def test_what_a_user_may_not_ask_fails_at_once_and_says_so(tmp_path: Path) -> None:
    """And not as a server that is silent, after minutes; what it may ask goes on."""
    users = Users(tmp_path)
    async with asyncio.timeout(PATIENCE), users.server:
        bus = await connect(users.settings, "test")
        asking = asked(bus.connection, "STREAM.SNAPSHOT.JOBS", patience=2 * PATIENCE)
        permitted = asyncio.create_task(asked(bus.connection, "INFO"))
        with pytest.raises(NotPermitted, match=r'permissions violation for publish to "\$js.api.stream.snapshot'):
            await asking
        assert "limits" in await permitted
        await bus.connection.close()
