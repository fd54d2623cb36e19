"""docker-compose.yml carried out as local processes: same commands, environment, order and health checks.

Containers have names and ports of their own; here each service has a free port of 127.0.0.1, and
`http://<service>:8080` and the like are rewritten to it, as are the paths of secrets. Nothing else of what the file
says is changed.
"""

import asyncio
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from penstock.hosting.ports import free_port
from penstock.local.nats_server import binary
from tests.support.repository import ROOT


class Compose:
    """`async with`: all services of the file, started in the order of their `depends_on`.

    `variables`: those of the user's environment. `surroundings`: what all processes are given to find others by.
    """

    def __init__(self, scratch: Path, variables: Mapping[str, str] = {}, surroundings: Mapping[str, str] = {}) -> None:
        self._file = _interpolated(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), variables)
        self.services: dict[str, dict[str, Any]] = self._file["services"]
        self._surroundings = surroundings
        self._image = _image_environment(ROOT / "deploy" / "Dockerfile")
        self._scratch = scratch
        self._ports = {name: free_port() for name in self.services}
        self._monitor = free_port()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.started: list[str] = []

    async def __aenter__(self) -> "Compose":
        try:
            while waiting := [name for name in self.services if name not in self.started]:
                name = next(name for name in waiting if set(self._depends(name)) <= set(self.started))
                await self._start(name)
                self.started.append(name)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self._ports[service]}"

    def _depends(self, name: str) -> dict[str, dict[str, str]]:
        depends: dict[str, dict[str, str]] = self.services[name].get("depends_on", {})
        return depends

    async def _start(self, name: str) -> None:
        with (self._scratch / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command(name), env=self._environment(name), stdout=log, stderr=log, cwd=ROOT
            )
        if self.services[name].get("restart") == "no":
            assert await process.wait() == 0, (self._scratch / f"{name}.log").read_text()
            return
        self._running[name] = process
        for _ in range(200):
            assert process.returncode is None, (self._scratch / f"{name}.log").read_text()
            if await self._healthy(name):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name} is not healthy: {(self._scratch / f'{name}.log').read_text()}")

    async def _healthy(self, name: str) -> bool:
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        if command[0] == "wget":  # of the image's busybox; asked with Python here
            command = [sys.executable, "-c", f"import urllib.request as r; r.urlopen({command[-1]!r})"]
        check = await asyncio.create_subprocess_exec(
            *(self._here(part, name) for part in command),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await check.wait() == 0

    def _command(self, name: str) -> list[str]:
        command = [str(part) for part in self.services[name]["command"]]
        if name == "nats":
            config = (ROOT / "deploy" / "nats.conf").read_text().replace('"/data"', f'"{self._scratch / "nats"}"')
            local = self._scratch / "nats.conf"
            local.write_text(config.replace(":4222", f":{self._ports['nats']}").replace(":8222", f":{self._monitor}"))
            assert command == ["-c", "/etc/nats/nats.conf"]
            return [binary(), "-c", str(local)]
        return [self._here(part, name) for part in command]

    def _environment(self, name: str) -> dict[str, str]:
        declared: dict[str, str] = self.services[name].get("environment", {})
        both = {**self._image, **declared, "PENSTOCK_PORT": "8080"}
        ours = ("PENSTOCK_", "GEMINI_", "GOOGLE_")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        own = {key: self._here(value, name) for key, value in both.items() if key != "PATH"}
        return {**inherited, **self._surroundings, **own}

    def given(self, service: str) -> dict[str, str]:
        """The environment of the service's process, as the kernel has it."""
        entries = Path(f"/proc/{self._running[service].pid}/environ").read_bytes().decode().split("\0")
        return dict(one.split("=", 1) for one in entries if "=" in one)

    def _here(self, text: str, name: str) -> str:
        """What a container would see as its own or another's address, on this machine."""
        for other, port in self._ports.items():
            text = re.sub(rf"//{other}:\d+", f"//127.0.0.1:{port}", text)
        text = text.replace("127.0.0.1:8222", f"127.0.0.1:{self._monitor}").replace("0.0.0.0", "127.0.0.1")
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{self._ports[name]}")
        for secret in self.services[name].get("secrets", ()):
            text = text.replace(f"/run/secrets/{secret}", self._file["secrets"][secret]["file"])
        known = {"python": sys.executable, "penstock": str(Path(sys.executable).with_name("penstock"))}
        return known.get(text, str(self._ports[name]) if text == "8080" else text)

    async def _stop(self) -> None:
        for process in reversed(self._running.values()):
            if process.returncode is None:
                process.terminate()
                await process.wait()


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """`${NAME:-default}` in any text: the default also where NAME is empty."""
    if isinstance(value, dict):
        return {name: _interpolated(member, variables) for name, member in value.items()}
    if isinstance(value, list):
        return [_interpolated(element, variables) for element in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], value)


def _image_environment(dockerfile: Path) -> dict[str, str]:
    (line,) = [line for line in dockerfile.read_text().splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for pair in shlex.split(line.removeprefix("ENV ")))
