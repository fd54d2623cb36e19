"""A step that nobody serves: `penstock run` and `penstock jobs show` say so, and what to start."""

import subprocess
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.cli.system import PENSTOCK, System

SAID = "waiting for a worker: nobody serves workers/routing/respond; start one with `penstock serve workers`"


@pytest.mark.long
def test_it_is_said_what_to_start(tmp_path: Path) -> None:
    with System(tmp_path / "data", "--steps", "review-security") as system:
        command = [PENSTOCK, "run", "routing", "--query", "Is anybody there?", "--url", system.url("gateway")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr
            job = running.stderr.readline().split()[1]
            assert running.stderr.readline() == f"respond-1: {SAID}\n"
            shown = system.in_terminal("jobs", "show", job, columns=200)
            assert SAID in shown, shown
            assert system.run("jobs", "cancel", job).returncode == 0
            assert running.wait(PATIENCE) == 1
        logged = system.run("jobs", "follow", job, "--format", "log", COLUMNS="250")
        assert SAID in logged.stdout, logged
