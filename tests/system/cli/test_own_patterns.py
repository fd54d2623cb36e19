"""A folder that `penstock new` has made: it runs as it is, and `penstock up` takes what is changed in it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.system.cli.system import System, penstock, until

WAITS = """
import asyncio
from pathlib import Path

GATE = Path(__file__).parents[2]


async def sorted_by_length(given: Notes) -> Points:
    (GATE / "begun").touch()
    while not (GATE / "open").exists():
        await asyncio.sleep(0.05)
    return Points(points=("%s",))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = penstock("new", "mine", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (0, "mine is made. Next: cd mine && penstock up\n")
    return tmp_path / "mine"


def changed(pattern: Path, name: str) -> str:
    """The pattern with another function, which waits until it may go on."""
    before, _, after = pattern.read_text().partition("async def sorted_by_length")
    return before + (WAITS % name).lstrip() + "\n\nSORT = Step" + after.partition("SORT = Step")[2]


def test_a_new_folder_has_a_test_that_passes(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    tested = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "3 passed" in tested.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["Mine"], "has to be a-z, 0-9"),
        (["a--b"], "has to be a-z, 0-9"),
        (["class"], "class is a word of Python's"),
        (["routing"], "is a pattern of Penstock's"),
        (["mine"], "mine is there already"),
        (["other", "--dir", "file"], "file is there already"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_overwritten(tmp_path: Path, arguments: list[str], why: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    (tmp_path / "file").write_text("a file")
    made = penstock("new", *arguments, cwd=tmp_path)
    assert (made.returncode, why in made.stderr) == (2, True), made.stderr
    assert {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")} == {"mine", "mine/file", "file"}


@pytest.mark.long
def test_up_finds_it_and_shows_what_its_functions_raise(project: Path) -> None:
    pattern = project / "patterns/mine/pattern.py"
    pattern.write_text(pattern.read_text().replace("    sentences = {", "    assert 1 + 1 == 3\n    sentences = {"))
    with System(project.parent / "data", cwd=project) as system:
        system.until_said("pattern mine of patterns/mine\n")
        first = system.run("run", "mine", "--notes", "a. bb.", cwd=project)
        again = system.run("run", "mine", "--notes", "a. bb. c", cwd=project)
        assert (first.returncode, again.returncode) == (1, 1)
        system.until_said("AssertionError")
        told = system.output()
        line = 1 + next(n for n, line in enumerate(pattern.read_text().splitlines()) if "assert 1" in line)
        job = first.stderr.split()[1]
        assert f"workers-1: an executor raised: AssertionError (patterns/mine/pattern.py:{line})\n" in told
        assert f"  in mine/sort, job {job}\n  Traceback (most recent call last):\n" in told
        assert f'File "{pattern}", line {line}, in sorted_by_length' in told
        assert told.count("  File ") == 1, "of the frames only the author's"
    assert system.output().count("Traceback") == 1, "the same is told once"


@pytest.mark.long
def test_up_takes_a_change_while_a_job_runs(project: Path) -> None:
    """The services begin anew with the new file; the job goes on, and its step is done again by the new function."""
    pattern = project / "patterns/mine/pattern.py"
    pattern.write_text(changed(pattern, "old"))
    with System(project.parent / "data", "--reload", cwd=project, PENSTOCK_GRACE="0.5") as system:
        system.until_said("pattern mine of")
        before = system.processes()
        submitted = system.run("run", "mine", "--notes", "a", "--detach", cwd=project)
        assert submitted.returncode == 0, submitted.stderr
        until((project / "begun").exists, system.output)

        whole = pattern.read_text()
        pattern.write_text("x = (\n" + whole)
        system.until_said("patterns/mine/pattern.py:1: SyntaxError: '(' was never closed\n")
        system.until_said("the services go on with what was there before")
        assert system.processes() == before

        pattern.write_text(whole.replace('Step(name="write"', 'Step(name="write", prompt="missing"'))
        system.until_said("there is no prompt missing.md in ")
        until(lambda: system.output().count("the services go on") == 2, system.output)
        assert system.processes() == before

        pattern.write_text(whole.replace('("old",)', '("new",)'))
        system.until_said("reloaded")
        after = system.processes()
        assert set(after) == set(before)
        kept = {name for name in before if before[name] == after[name]}
        assert kept == {"nats", "simulator"}
        assert set(after.values()) <= system.alive()

        (project / "open").touch()
        ended = system.run("jobs", "follow", submitted.stdout.strip(), cwd=project)
        assert ended.returncode == 0, ended.stderr + system.output()
        assert '"points":["new"]' in ended.stdout.replace(" ", "")
        system.until_said("nothing is wrong with mine")

        second = pattern.read_text()
        second = second.replace('name="mine"', 'name="second"')
        second = second.replace("do=sorted_by_length", 'do=sorted_by_length, service="sorter"')
        shutil.copytree(pattern.parent, project / "second")
        (project / "second/pattern.py").write_text(second)
        (project / "second").rename(project / "patterns/second")  # one change
        system.until_said("pattern second of patterns/second\n")
        assert set(system.processes()) == {*before, "sorter-1"}
        ended = system.run("run", "second", "--notes", "a", cwd=project)
        assert ended.returncode == 0, ended.stderr + system.output()
