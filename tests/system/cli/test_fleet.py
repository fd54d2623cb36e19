"""`penstock fleet`: real processes, one of which is killed."""

import json
import os
import signal
from typing import Any

from tests.system.cli.system import System, until


def fleet(system: System, *options: str) -> dict[str, Any]:
    ended = system.run("fleet", *options)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_process_that_is_killed_is_not_there_any_more(system: System) -> None:
    """All that `up` started are, before; and the one that takes its place, in the end."""
    found: dict[str, Any] = {}

    def there(*pids: int) -> bool:
        nonlocal found
        found = fleet(system)
        return {one["pid"] for one in found["replicas"]} == set(pids)

    def ours() -> dict[str, int]:
        services = ("aggregator", "classifier", "workers", "gateway")
        return {name: pid for name, pid in system.processes().items() if name.partition("-")[0] in services}

    until(lambda: there(*ours().values()), lambda: found)
    killed = ours()["workers"]
    assert next(one for one in found["replicas"] if one["pid"] == killed)["steps"]
    os.kill(killed, signal.SIGKILL)
    until(lambda: ours().get("workers", killed) != killed and there(*ours().values()), lambda: found)


def test_its_figures_are_those_of_the_other_commands(system: System) -> None:
    """Dead letters as `penstock dead` lists them; the same over NATS; and what was done is shown in a terminal."""
    assert system.run("run", "routing", "--query", "Where is my order?").returncode == 0
    listed = system.run("dead", "list").stdout.splitlines()
    assert fleet(system)["deadLetters"] == len(listed) == fleet(system, "--nats-url", system.url("nats"))["deadLetters"]
    shown = system.in_terminal("fleet", columns=140)
    assert "aggregator" in shown
    assert f"{len(listed)} dead letters" in shown
