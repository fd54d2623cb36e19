"""Passwords, certificates and keys in files are replaced while a process runs: it goes on, by the new ones."""

import asyncio
import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from penstock.contracts.fleet import Replica as Answer
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.certificate import Authority
from tests.support.patience import PATIENCE
from tests.support.replica import Replica
from tests.support.servers import NatsServer

OLD, NEW = "the-old-password", "the-new-password"


class Configured:
    """A nats-server of which a part of the configuration is replaced: `write`, then `reload` or a start."""

    def __init__(self, folder: Path) -> None:
        self._file, self._store = folder / "own.conf", folder / "jetstream"
        self.server = NatsServer(folder / "nats", "-c", str(self._file))

    def write(self, more: str) -> None:
        port, store = self.server.url.rpartition(":")[2], json.dumps(str(self._store))
        general = f"listen: 127.0.0.1:{port}\nmax_payload: 8MB\njetstream: {{ store_dir: {store} }}\n"
        self._file.write_text(general + more)

    def reload(self) -> None:
        self.server.signal(signal.SIGHUP)


@asynccontextmanager
async def replica_of(settings: Settings, folder: Path, **files: Any) -> AsyncIterator[Replica]:
    """A gateway, on streams that have been declared."""
    async with connected(settings) as bus:
        await declare(bus.jetstream, settings)
    replica = Replica()
    try:
        await replica.start(settings, log=folder / "replica.log", **files)
        yield replica
    finally:
        await replica.end(signal.SIGTERM)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Bus]:
    async with asyncio.timeout(PATIENCE):
        bus = await connect(settings, "test")
    yield bus
    await bus.connection.close()


async def is_there(settings: Settings, replica: Replica) -> None:
    """Return once it answers who asks by these settings."""
    async with connected(settings) as bus, asyncio.timeout(PATIENCE):
        while True:
            try:
                answer = await bus.connection.request(subjects.FLEET, b"", 1)
            except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
                await asyncio.sleep(0.1)  # it tries to connect every quarter of a second
                continue
            assert Answer.model_validate_json(answer.data).pid == replica.pid
            return


@pytest.mark.parametrize("kind", ["token", "password"])
async def test_a_password_of_nats(tmp_path: Path, kind: str) -> None:
    """The server is told first: it ends the connections of the old one, and refuses it until the file has the new."""
    configured, file = Configured(tmp_path), tmp_path / "secret"

    def settings(secret: str) -> Settings:
        who: dict[str, Any] = {"nats_token": secret}
        if kind == "password":
            who = {"nats_user": "fleet", "nats_password": secret}
        return Settings(nats_url=configured.server.url, **who)

    def serve(secret: str) -> None:
        user = "" if kind == "token" else "user: fleet, "
        configured.write(f'authorization {{ {user}{kind}: "{secret}" }}\n')

    serve(OLD)
    file.write_text(f"{OLD}\n")
    own = {f"nats_{kind}_file": file} | ({"nats_user": "fleet"} if kind == "password" else {})
    async with configured.server, replica_of(settings(OLD), tmp_path, **own) as replica:
        await is_there(settings(OLD), replica)
        serve(NEW)
        configured.reload()
        async with connected(settings(NEW)) as bus:
            with pytest.raises((nats.errors.NoRespondersError, nats.errors.TimeoutError)):
                await bus.connection.request(subjects.FLEET, b"", 1)
        file.write_text(f"{NEW}\n")
        await is_there(settings(NEW), replica)


async def test_certificates_of_nats(tmp_path: Path) -> None:
    """Another CA, another certificate of the server, another of the process: files that are exchanged under it."""
    configured = Configured(tmp_path)
    files = {f"nats_{name}": tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    settings = Settings(nats_url=configured.server.url)

    def certify(ca: Authority) -> None:
        cert, key = ca.issue("127.0.0.1")
        names = f'cert_file: "{cert}", key_file: "{key}", ca_file: "{ca.certificate}"'
        configured.write(f"tls {{ {names}, verify: true }}\n")
        for given, file in zip((ca.certificate, *ca.issue("penstock")), files.values(), strict=True):
            shutil.copy(given, file)

    certify(Authority(tmp_path / "first"))
    settings = settings.model_copy(update=files)
    async with configured.server as server, replica_of(settings, tmp_path, **files) as replica:
        await is_there(settings, replica)
        await server.stop()
        certify(Authority(tmp_path / "second"))
        await server.start()
        await is_there(settings, replica)
