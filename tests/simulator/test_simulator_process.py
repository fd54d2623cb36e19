"""The simulator as a process: how it says that it is ready, and how it stops."""

import signal
import socket
import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE
from tests.support.simulator import BlockingSteering

COMMAND = [sys.executable, "-m", "penstock.simulator"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_when_it_listens_and_stops_cleanly(number: signal.Signals) -> None:
    process = subprocess.Popen([*COMMAND, "--pace", "off"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("simulator ready http://127.0.0.1:")
    BlockingSteering(line.split()[-1]).clear()
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "", "")


def test_an_address_that_is_taken_is_an_error_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"cannot listen on 127.0.0.1:{port}")
    assert ended.stderr.count("\n") == 1
