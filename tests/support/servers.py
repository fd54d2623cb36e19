"""Servers for tests: a nats-server of a test's own."""

import asyncio
import json
import os
import resource
import signal
import socket
from pathlib import Path

from penstock.hosting.ports import free_port
from penstock.local import nats_server


class NatsServer:
    """`async with`: a server on 127.0.0.1 and a free port; it can be stopped and started again on its data."""

    def __init__(self, data: Path, *options: str) -> None:
        self._data, self._options = data, options
        self._port = free_port()
        #: Bytes that the server may store: from its next start on.
        self.max_store: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def __aenter__(self) -> "NatsServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()  # nobody reads its data again

    async def start(self) -> None:
        command = nats_server.command(self._data, self._port)
        if self.max_store is not None:
            file = self._data / "nats.conf"
            config = json.loads(file.read_text())
            config["jetstream"]["max_file_store"] = self.max_store
            file.write_text(json.dumps(config))
        self._process = await asyncio.create_subprocess_exec(
            *command,
            *self._options,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        while not self._listens():
            assert self._process.returncode is None, "nats-server ended at its start"
            await asyncio.sleep(0.01)

    def signal(self, number: int) -> None:
        """Once this returns, SIGSTOP has stopped it: on a busy machine some of its threads would run on for a while."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def break_disk(self) -> None:
        """Have every write fail that makes a file larger, as on a full disk; till its next start."""
        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    async def stop(self) -> None:
        """End it as an operator does."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        """End it as a power failure does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


class NatsCluster:
    """`async with`: three servers that are one cluster. `url` names all of them."""

    def __init__(self, data: Path) -> None:
        ports = [free_port() for _ in range(3)]
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
        self.servers = {
            f"n{port}": NatsServer(
                data / str(port),
                *("--name", f"n{port}", "--cluster_name", "test", "--routes", routes),
                *("--cluster", f"nats://127.0.0.1:{port}"),
            )
            for port in ports
        }
        self.url = ",".join(server.url for server in self.servers.values())

    async def __aenter__(self) -> "NatsCluster":
        await asyncio.gather(*(server.start() for server in self.servers.values()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(server.kill() for server in self.servers.values()))
