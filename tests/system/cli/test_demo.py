"""`penstock demo`: what a newcomer runs first."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from penstock.patterns import PATTERNS
from tests.support.patience import PATIENCE
from tests.system.cli.system import PENSTOCK, penstock


def test_the_demo_runs_every_pattern_and_leaves_nothing(tmp_path: Path) -> None:
    """Status 0 means that each result was valid and equal to what was streamed."""
    ended = penstock("demo", "--pace", "off", TMPDIR=str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Answers are simulated" in ended.stdout
    table = ended.stdout.partition("what ran")[2]
    for pattern in PATTERNS:
        (row,) = [line for line in table.splitlines() if pattern.name in line]
        assert row.split()[-1] == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pattern", ["routing"])
@pytest.mark.long
def test_only_one_pattern_can_be_shown(pattern: str) -> None:
    """In a pipe it is a log: when which piece came."""
    ended = penstock("demo", "--only", pattern)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    pieces = [line.split() for line in ended.stdout.splitlines() if " /response " in line]
    assert len(pieces) > 1
    assert float(pieces[0][0]) < float(pieces[-1][0])
    assert "sequential-processing" not in ended.stdout


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)]
)
@pytest.mark.long
def test_a_demo_that_is_ended_early_leaves_nothing(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """No process, no file, no traceback."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [PENSTOCK, "demo"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as running:
        assert running.stdout is not None
        assert next(line for line in running.stdout if "/originalContent" in line)
        (listed,) = tmp_path.glob("*/processes.json")
        pids = [one["pid"] for one in json.loads(listed.read_text())]
        running.send_signal(number)
        _, said = running.communicate(timeout=PATIENCE)
    assert (running.returncode, said) == (status, "")
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert list(tmp_path.iterdir()) == []
