"""`penstock fleet`: real processes, one of which is killed."""

import json
import os
import signal
from typing import Any

import httpx
import pytest

from tests.system.cli.system import System, until


@pytest.mark.long
def test_a_process_that_is_killed_is_not_there_any_more(system: System) -> None:
    """All that `up` started are, before; then the one that takes its place, and the killed one is not."""
    found: list[dict[str, Any]] = []

    def running() -> dict[str, int]:
        services = ("aggregator", "classifier", "workers", "gateway")
        return {name: pid for name, pid in system.processes().items() if name.rpartition("-")[0] in services}

    def all_there() -> bool:
        nonlocal found
        answer = httpx.get(f"{system.url('gateway')}/fleet", trust_env=False, timeout=60)
        found = answer.raise_for_status().json()["replicas"]
        return {one["pid"] for one in found} == set(running().values())

    until(all_there, lambda: found)
    killed = running()["workers-1"]
    (workers,) = (one for one in found if one["pid"] == killed)
    assert workers["service"] == "workers"
    assert "routing/respond" in workers["steps"]
    os.kill(killed, signal.SIGKILL)
    until(lambda: running().get("workers-1", killed) != killed and all_there(), lambda: found)
    assert workers["id"] not in {one["id"] for one in found}


def test_its_figures_are_those_of_the_other_commands(system: System) -> None:
    """Dead letters as `penstock dead` lists them; the same over NATS; and what is there is shown in a terminal."""
    listed = system.run("dead", "list").stdout.splitlines()
    over_nats = system.run("fleet", "--nats-url", system.url("nats"))
    assert over_nats.returncode == 0, over_nats.stderr
    assert json.loads(over_nats.stdout)["deadLetters"] == len(listed)
    shown = system.in_terminal("fleet", columns=140)
    assert "aggregator" in shown
    assert f"{len(listed)} dead letters" in shown
