"""The whole system on this machine, as `penstock up` runs it."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from penstock.connection import connect
from penstock.errors import Misconfigured
from penstock.local import nats_server
from penstock.local.process import Process, environment
from penstock.settings import Settings
from penstock.streams import declare

log = logging.getLogger(__name__)

#: Ended in this order: whoever takes work in first, NATS last.
_END_ORDER = ("gateway", "aggregator", "classifier", "workers", "simulator", "nats")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to start. `nats_url` given: no embedded server. Ports: 0 takes a free one."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    nats_url: str | None = None
    nats_port: int = 0
    gateways: int = 1
    aggregators: int = 1
    classifiers: int = 1
    workers: int = 1
    steps: str | None = None
    pace: str = "natural"
    env: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """Started by `async with`, or `start` and `stop`. Its processes' logs are in `<data>/logs`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.processes: list[Process] = []
        self.nats_url = plan.nats_url or ""
        self.simulator_url: str | None = None
        self.gateway_urls: list[str] = []

    async def __aenter__(self) -> "Stack":
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start all and wait until the gateways are ready. Raises Misconfigured, saying which could not."""
        plan = self.plan
        (plan.data / "logs").mkdir(parents=True, exist_ok=True)
        if not plan.nats_url:
            port = nats_server.free_port(plan.nats_port)
            self.nats_url = f"nats://127.0.0.1:{port}"
            await self._start("nats", nats_server.command(plan.data / "nats", port), {}, ready_line=False)
        env = {**plan.env, "PENSTOCK_NATS_URL": self.nats_url}
        settings = Settings(nats_url=self.nats_url)
        await self._declare(settings)
        if not self._has_model(env):
            # a port of its own choice would change with a restart
            port = str(nats_server.free_port())
            simulator = await self._start(
                "simulator", [sys.executable, "-m", "simulator", "--port", port, "--pace", plan.pace], env
            )
            self.simulator_url = simulator.url
            env["PENSTOCK_MODEL_BASE_URL"] = str(simulator.url)
        inner = {**env, "PENSTOCK_HOST": "127.0.0.1", "PENSTOCK_PORT": "0"}
        steps = ["--steps", plan.steps] if plan.steps else []
        starting = [
            *(self._service("aggregator", number, inner) for number in range(plan.aggregators)),
            *(self._service("classifier", number, inner) for number in range(plan.classifiers)),
            *(self._service("workers", number, inner, *steps) for number in range(plan.workers)),
            *(self._gateway(number, env) for number in range(plan.gateways)),
        ]
        await asyncio.gather(*starting)
        await self._until_ready()

    async def stop(self) -> None:
        """End all, in an order in which nothing is lost. Nothing is left running."""
        for kind in _END_ORDER:
            members = [process for process in self.processes if process.name.partition("-")[0] == kind]
            await asyncio.gather(*(process.stop(grace=30.0) for process in members))
        self._write_processes()

    async def _service(self, name: str, number: int, env: Mapping[str, str], *arguments: str) -> Process:
        return await self._start(f"{name}-{number + 1}", [sys.executable, "-m", f"services.{name}", *arguments], env)

    async def _gateway(self, number: int, env: Mapping[str, str]) -> None:
        port = self.plan.port + number if self.plan.port else nats_server.free_port()
        own = {**env, "PENSTOCK_HOST": self.plan.host, "PENSTOCK_PORT": str(port)}
        process = await self._service("gateway", number, own)
        self.gateway_urls.append(str(process.url))
        self.gateway_urls.sort()

    async def _start(
        self, name: str, command: list[str], env: Mapping[str, str], *, ready_line: bool = True
    ) -> Process:
        process = Process(
            name,
            command,
            env=environment(**env),
            log_file=self.plan.data / "logs" / f"{name}.log",
            ready_line=ready_line,
            changed=self._write_processes,
        )
        self.processes.append(process)
        await process.start()
        return process

    async def _declare(self, settings: Settings) -> None:
        """Declare the streams, waiting for a server that has only just been started."""
        deadline = asyncio.get_running_loop().time() + 20.0
        while True:
            try:
                bus = await connect(settings, "penstock-up")
                try:
                    await declare(bus.jetstream, settings)
                finally:
                    await bus.connection.close()
                return
            except Misconfigured:
                raise
            except Exception as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise Misconfigured(f"NATS at {self.nats_url} does not answer: {error!r}") from error
                await asyncio.sleep(0.05)

    async def _until_ready(self) -> None:
        async with httpx.AsyncClient() as client:
            for url in self.gateway_urls:
                while (await client.get(f"{url}/readyz")).status_code != 200:  # noqa: ASYNC110  it is another process
                    await asyncio.sleep(0.05)

    @staticmethod
    def _has_model(env: Mapping[str, str]) -> bool:
        both = {**os.environ, **env}
        names = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL")
        return any(both.get(name) for name in (*names, "PENSTOCK_MODEL_API_KEY", "PENSTOCK_MODEL_BASE_URL"))

    def _write_processes(self) -> None:
        """`processes.json`: name and pid of each process that lives, replaced as a whole."""
        entries = [{"name": process.name, "pid": process.pid} for process in self.processes if process.pid]
        target = self.plan.data / "processes.json"
        fresh = target.with_suffix(".tmp")
        fresh.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
        fresh.replace(target)
