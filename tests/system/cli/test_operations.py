"""Every `penstock` command that docs/operations shows does what it says, on a system that runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.simulator import BlockingSteering
from tests.system.cli.system import System, penstock

PAGES = [ROOT / "docs" / "operations.md", *sorted((ROOT / "docs" / "operations").glob("*.md"))]
#: Of commands that do not end with 0 here: what they end with, and say. A restore is in tests/jetstream/test_backup.py.
OTHERWISE = {"streams --plan": (3, "to change"), "restore": (1, "exists already")}
#: What is asked for in a terminal.
ANSWERED = {"tenants purge": ("--yes",)}


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    return [found for block in blocks for found in re.findall(r"^\$ penstock (.*)$", block, re.MULTILINE)]


@pytest.mark.long
def test_all_commands_of_the_pages(tmp_path: Path) -> None:
    """In the order of the pages, on one system, over NATS: `keys create` closes its gateway."""
    with System(tmp_path / "data") as system:

        def run(*arguments: str) -> tuple[int, str]:
            place = {"PENSTOCK_NATS_URL": system.nats_url, "PENSTOCK_DATA": str(system.data)}
            ended = penstock(*arguments, cwd=tmp_path, **place)
            return ended.returncode, ended.stdout + ended.stderr

        job = _cancelled_job(system, run)
        _, made = run("keys", "create", "first")
        key = re.search(r"the key (\w+) of first", made)
        assert key is not None, made
        backups = str(tmp_path / "backups")
        for page in PAGES:
            for command in commands(page):
                told = command.replace("$job", job).replace("$key", key[1]).replace("/backups", backups)
                arguments = told.split()
                arguments += [one for name, more in ANSWERED.items() if command.startswith(name) for one in more]
                expected = next((one for name, one in OTHERWISE.items() if command.startswith(name)), (0, ""))
                status, text = run(*arguments)
                if command == "streams --plan" and status == 0:
                    expected = 0, "0 to create, 0 to change"
                assert (status, expected[1] in text) == (expected[0], True), (page.name, command, text)


def _cancelled_job(system: System, run: Callable[..., tuple[int, str]]) -> str:
    """One that can be retried."""
    steering = BlockingSteering(system.simulator_url)
    steering.rule(reply={"pace": {"ttft": 60}})
    status, text = run("run", "routing", "--query", "Where is it?", "--detach")
    found = re.search(r"[0-9a-f-]{36}", text)
    assert (status, found is not None) == (0, True), text
    assert found is not None
    assert run("jobs", "cancel", found[0])[0] == 0
    steering.clear()
    return found[0]


def test_every_page_is_in_the_index() -> None:
    index = PAGES[0].read_text()
    assert [page.name for page in PAGES[1:] if f"operations/{page.name}" not in index] == []
