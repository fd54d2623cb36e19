"""`penstock` as its users run it: real processes, real signals."""

import json
import os
import pty
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Self

from penstock.local.processes import with_token
from tests.support.patience import PATIENCE

PENSTOCK = str(Path(sys.executable).with_name("penstock"))
_MARK = "PENSTOCK_TEST_MARK"


def penstock(
    *arguments: str, stdin: str | None = None, cwd: Path | str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command, from start to end, with its output in pipes."""
    return subprocess.run(
        [PENSTOCK, *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=PATIENCE,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


class System:
    """`penstock up` on free ports, with `options`. As `with`: ready when entered (`at_once`: or only begun), ended when
    left. `command`: another environment's `penstock`.
    """

    def __init__(
        self,
        data: Path,
        *options: str,
        at_once: bool = False,
        cwd: Path | None = None,
        command: str = PENSTOCK,
        **environment: str,
    ) -> None:
        self.data, self._options, self._at_once = data, options, at_once
        self._cwd, self._command, self._environment = cwd, command, environment
        self._mark = uuid.uuid4().hex
        self._log = data.parent / f"{data.name}.log"

    def start(self) -> None:
        command = [self._command, "up", "--data", str(self.data), "--port", "0", "--nats-port", "0", "--pace", "off"]
        command += self._options
        environment = {**os.environ, **self._environment, _MARK: self._mark}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._cwd)

    def __enter__(self) -> Self:
        if not hasattr(self, "process"):
            self.start()
        if not self._at_once:
            self.until_said("gateway ready")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            for pid in self.alive():
                os.kill(pid, 9)

    def output(self) -> str:
        return self._log.read_text()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.output(), lambda: f"{text!r} in {self.output()}")

    def url(self, of: str) -> str:
        """Of the gateway, nats or the simulator, as `up` has printed it."""
        found = re.search(rf"^{of} ready (\S+)", self.output(), re.MULTILINE)
        assert found, self.output()
        return found[1]

    @property
    def nats_url(self) -> str:
        """With its token."""
        return with_token(self.data, self.url("nats"))

    @property
    def simulator_url(self) -> str:
        """With its token."""
        entries = json.loads((self.data / "processes.json").read_text())
        return str(next(one["url"] for one in entries if one["name"] == "simulator"))

    def processes(self) -> dict[str, int]:
        """What processes.json says: name and pid."""
        text = (self.data / "processes.json").read_text() if (self.data / "processes.json").exists() else "[]"
        return {one["name"]: one["pid"] for one in json.loads(text)}

    def alive(self) -> set[int]:
        """Every process that this `up` has started, and theirs, by the mark in their environment."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
            except OSError:
                continue
        return found - {self.process.pid}

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command against this system."""
        return penstock(*arguments, **self._addresses(), **options)

    def in_terminal(self, *arguments: str, columns: int = 80, raw: bool = False) -> str:
        """What a command that succeeds prints in a terminal. Not `raw`: without colours and movements of the cursor."""
        ours, theirs = pty.openpty()
        environment = {**os.environ, **self._addresses(), "TERM": "xterm", "COLUMNS": str(columns), "LINES": "100"}
        command = [PENSTOCK, *arguments]
        shown = b""
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:
            os.close(theirs)
            try:
                while piece := os.read(ours, 65_536):
                    shown += piece
            except OSError:  # the other side of the terminal is closed
                pass
        os.close(ours)
        assert running.returncode == 0, shown
        text = shown.decode()
        return text if raw else re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")

    def _addresses(self) -> dict[str, str]:
        return {
            "PENSTOCK_URL": self.url("gateway"),
            "PENSTOCK_NATS_URL": self.url("nats"),
            "PENSTOCK_DATA": str(self.data),
        }


def until(true: Any, wanted: Any) -> None:
    """Look until `true()`; processes of others give no signal that could be awaited."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not in time: {wanted()}"
        time.sleep(0.01)
