"""Runs the commands of README.md as a newcomer would type them, in order, and fails where one fails.

A line `$ command` of a console block is run with .venv/bin on the path. What runs until it is stopped (`make up`, the
services) is started in the background until it says `ready`, and must end cleanly on SIGTERM.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVERS = re.compile(r"^(make up|penstock serve )")
ENVIRONMENT = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}


def commands(text: str) -> list[str]:
    """The commands of the console blocks, continuation lines joined, comments dropped."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    joined = "\n".join(blocks).replace("\\\n", " ")
    return [re.sub(r"\s+# .*", "", line[2:]) for line in joined.splitlines() if line.startswith("$ ")]


def start(command: str) -> subprocess.Popen[str]:
    """Start a server and wait until it is ready."""
    server = subprocess.Popen(
        f"exec {command}", shell=True, text=True, stdout=subprocess.PIPE, env=ENVIRONMENT, cwd=ROOT
    )
    assert server.stdout is not None
    for line in server.stdout:
        print(f"  {line}", end="", flush=True)
        if simulator := re.match(r"simulator ready (\S+)", line):
            # what a reader with a key would not need
            ENVIRONMENT["PENSTOCK_SIMULATOR_URL"] = simulator[1]
        if re.match(r"(gateway|aggregator|classifier|workers) ready ", line):
            return server
    sys.exit(f"README: `{command}` ended with status {server.wait()} and was never ready")


def stop(command: str, server: subprocess.Popen[str]) -> None:
    """SIGTERM to the server's processes that we started, and a clean end."""
    server.send_signal(signal.SIGTERM)
    try:
        status = server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        sys.exit(f"README: `{command}` did not end on SIGTERM")
    # make passes the signal on and then reports its own death by it
    if status not in (0, 2, -signal.SIGTERM, 128 + signal.SIGTERM):
        sys.exit(f"README: `{command}` ended with status {status}")


def main() -> None:
    running: list[tuple[str, subprocess.Popen[str]]] = []
    try:
        for command in commands((ROOT / "README.md").read_text(encoding="utf-8")):
            print(f"$ {command}", flush=True)
            began = time.monotonic()
            if SERVERS.match(command):
                # a second gateway on this machine needs a port of its own
                if command.startswith("penstock serve"):
                    ENVIRONMENT["PENSTOCK_PORT"] = "0"
                running.append((command, start(command)))
            elif subprocess.run(command, shell=True, env=ENVIRONMENT, cwd=ROOT, timeout=600).returncode:
                sys.exit(f"README: `{command}` failed")
            print(f"  ({time.monotonic() - began:.1f} s)", flush=True)
    finally:
        for command, server in reversed(running):
            stop(command, server)
    print("README: every command did what it says")


if __name__ == "__main__":
    main()
