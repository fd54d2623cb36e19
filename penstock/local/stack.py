"""The whole system on this machine, as `penstock up` runs it."""

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from secrets import token_hex
from typing import Literal, TextIO
from urllib.parse import urlsplit

from penstock.client.over_http import HttpClient
from penstock.errors import Misconfigured
from penstock.hosting import ports
from penstock.installed import require
from penstock.llm.access import KEYS, access_of
from penstock.local import nats_server, processes
from penstock.local.declared import Declared, declared
from penstock.local.process import Process
from penstock.printable import without_credentials
from penstock.settings import PREFIX, Settings

log = logging.getLogger(__name__)

Pace = Literal["natural", "slow", "off"]

#: -P: what lies in the current folder is not ours to import.
_MODULE = (sys.executable, "-P", "-m")
#: The `penstock` command.
PENSTOCK = (*_MODULE, "penstock")


@dataclass(kw_only=True, eq=False)
class Stack:
    """Use as `async with`: from entry to exit its processes run. Their logs are in `<data>/logs`.

    `nats_url` given: no embedded server. Ports: 0 takes a free one. `env`: for all processes. The embedded server and
    the simulator's control serve who has the token of the run, which `nats_url` and `simulator_url` hold; so has
    `<data>/processes.json`.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    nats_url: str = ""
    nats_port: int = 0
    gateways: int = 1
    aggregators: int = 1
    classifiers: int = 1
    workers: int = 1
    steps: str | None = None
    pace: Pace = "natural"
    env: Mapping[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list, init=False)
    simulator_url: str | None = field(default=None, init=False)
    gateway_urls: list[str] = field(default_factory=list, init=False)
    #: The patterns that are not Penstock's, and their files.
    own: Mapping[str, str] = field(default_factory=dict, init=False)
    _asking: frozenset[str] = field(default=frozenset(), init=False)
    _service_env: dict[str, str] = field(default_factory=dict, init=False)
    _lock: TextIO | None = field(default=None, init=False)

    async def __aenter__(self) -> "Stack":
        """Start all and wait until they are ready. Raises Misconfigured, saying which could not."""
        try:
            await self._start_all()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all, in an order in which nothing is lost. Nothing is left running."""
        await asyncio.gather(*(process.unsupervise() for process in self.processes))
        # after a reload gateways are not the last in the list
        ordered = sorted(self.processes, key=_served, reverse=True)
        for alike in groupby(ordered, _served):
            await asyncio.gather(*(process.stop(grace=30.0) for process in alike[1]))
        if self._lock is not None:
            self._lock.close()

    async def _start_all(self) -> None:
        require("all")
        token = token_hex(16)
        # what a service reads that is started with `env`: consumers are declared for its patterns
        given = {name.removeprefix(PREFIX).lower(): value for name, value in self.env.items() if value}
        settings = Settings.model_validate(given)
        self._take_folder()
        for port in range(self.port, self.port + self.gateways) if self.port else (0,):
            ports.refuse_taken(self.host, port, named=("--host", "--port (0 takes a free one)"))
        if not self.nats_url:
            port = ports.free_port(self.nats_port)
            chosen = settings.token()  # which all of ours send then
            self.nats_url = f"nats://127.0.0.1:{port}" if chosen else f"nats://{token}@127.0.0.1:{port}"
            command = nats_server.command(self.data / "nats", port, chosen or token)
            await self._start("nats", command, {}, url=self.nats_url)
        env = {**self.env, "PENSTOCK_NATS_URL": self.nats_url}
        services = self._known(await declared(settings.model_copy(update={"nats_url": self.nats_url})))
        if access_of(settings) is None:
            port = ports.free_port()  # one of its own choice would change with a restart
            self.simulator_url = f"http://up:{token}@127.0.0.1:{port}"
            command = [*_MODULE, "penstock.simulator", "--port", str(port), "--pace", self.pace]
            own = {**env, "PENSTOCK_SIMULATOR_TOKEN": token}
            await self._start("simulator", command, own, url=self.simulator_url)
            env["PENSTOCK_SIMULATOR_URL"] = without_credentials(self.simulator_url)
        self._service_env = env
        # ended in the opposite order: whoever takes work in first, NATS last; where one fails, the exit ends the others
        gateways = [self._serve("gateway", number, self._port(number)) for number in range(self.gateways)]
        started = await asyncio.gather(*(self._serve(*one) for one in services), *gateways)
        self.gateway_urls = [str(process.url) for process in started[-self.gateways :]]
        for url in self.gateway_urls:
            async with HttpClient(url) as client:
                await client.check()

    async def reload(self) -> None:
        """Have the services run the patterns as their files are now; the simulator and NATS go on.

        The new ones begin before the old ones end, which finish what they do, or hand it back to them; gateways keep
        their ports. Raises Misconfigured where a pattern cannot be loaded or a service cannot start: then the old ones
        go on.
        """
        fresh = self._known(await self._declared_anew())
        others = [one for one in self.processes if _kind(one) not in ("nats", "simulator", "gateway")]
        before = set(self.processes)
        gateways = [one for one in self.processes if _kind(one) == "gateway"]
        # one more gateway shows whether it starts with these patterns, before those that hold the ports are ended
        trial = self._serve("gateway", self.gateways)
        started = await asyncio.gather(*(self._serve(*one) for one in fresh), trial, return_exceptions=True)
        if failed := next((one for one in started if isinstance(one, BaseException)), None):
            await self._end(*(set(self.processes) - before))
            raise failed
        tried = {one for one in self.processes if _kind(one) == "gateway"} - {*gateways}
        await asyncio.gather(self._end(*others, *tried), *map(self._again, gateways))

    def _known(self, loaded: Declared) -> list[tuple[str, int]]:
        """The services to start but for gateways, with a number for each of a kind."""
        self.own = loaded.own
        self._asking = frozenset(name for name, asks in loaded.services.items() if asks)
        counts = dict.fromkeys(loaded.services, 1) | {"workers": self.workers, "classifier": self.classifiers}
        counts |= {"aggregator": self.aggregators}
        return [(name, number) for name, count in counts.items() for number in range(count)]

    async def _declared_anew(self) -> Declared:
        running = await asyncio.create_subprocess_exec(
            *_MODULE,
            "penstock.local.declared",
            env={**os.environ, **self._service_env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            written, said = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
        if running.returncode:
            raise Misconfigured(said.decode(errors="replace").strip())
        return Declared.model_validate_json(written)

    def _port(self, number: int) -> int:
        return self.port + number if self.port else ports.free_port()

    async def _serve(self, name: str, number: int, port: int = 0) -> Process:
        host = self.host if name == "gateway" else "127.0.0.1"
        # where it is asked for its metrics, it is also when it is started again
        env = {**self._service_env, "PENSTOCK_HOST": host, "PENSTOCK_PORT": str(port or ports.free_port())}
        only = ["--steps", self.steps] if self.steps and name == "workers" else []
        return await self._start(f"{name}-{number + 1}", [*PENSTOCK, "serve", name, *only], env)

    async def _again(self, gateway: Process) -> None:
        number = int(gateway.name.rpartition("-")[2]) - 1
        await self._end(gateway)
        await self._serve("gateway", number, urlsplit(self.gateway_urls[number]).port or 0)

    async def _end(self, *processes: Process) -> None:
        await asyncio.gather(*(process.stop(grace=30.0) for process in processes))
        self.processes = [one for one in self.processes if one not in processes]
        self._write_processes()

    async def _start(self, name: str, command: list[str], env: Mapping[str, str], url: str | None = None) -> Process:
        """Returns once it is ready. `url`: how others get at it, if that is not what it writes."""
        if name.rpartition("-")[0] not in self._asking:  # no other process is given the key
            env = {**env, **dict.fromkeys(KEYS, "")}
        log_file = self.data / "logs" / f"{name}.log"
        process = Process(name, command, env=env, log_file=log_file, changed=self._write_processes)
        self.processes.append(process)
        await process.start()
        process.url = url or process.url
        self._write_processes()
        return process

    def _take_folder(self) -> None:
        """Raises Misconfigured while another one runs in the same folder: two NATS servers would ruin its data."""
        try:
            if not self.data.exists() or (self.data / "lock").exists():  # else it is the user's, with more in it
                processes.make_private(self.data)
            processes.make_private(self.data / "logs")
            self._lock = os.fdopen(os.open(self.data / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            why = f"the folder {self.data} cannot be used ({error.strerror})"
            if isinstance(error, BlockingIOError):
                why = f"another `penstock up` runs in {self.data}"
            raise Misconfigured(f"{why}: choose another with --data") from error

    def _write_processes(self) -> None:
        try:
            processes.write(self.data, self.processes)
        except OSError as error:
            log.warning("processes.json could not be written: %s", error)


def _kind(process: Process) -> str:
    return process.name.rpartition("-")[0] or process.name


def _served(process: Process) -> int:
    """Who is ended after those that it serves."""
    return {"nats": 0, "simulator": 1, "gateway": 3}.get(_kind(process), 2)
