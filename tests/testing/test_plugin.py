"""penstock.testing as an author has it: what it takes to be installed, and its fixture, in a pytest of their own."""

import subprocess
import sys
from pathlib import Path

from penstock.installed import EXTRAS
from tests.support.absent import without
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT

ALONE = """
import asyncio
from examples.debate.pattern import PATTERN, Verdict
from penstock.errors import Misconfigured
from penstock.testing import PatternTest
verdict = Verdict(winner="pro", reasoning="So.", open_questions=())
run = asyncio.run(PatternTest(PATTERN, {"argue": "Words.", "judge": verdict}).run())
assert run.result.verdict == verdict
try:
    run.steps["judge-1"].prompt
except Misconfigured as error:
    print(error)
"""
ASKS_FOR_ALL = """
def test_it(penstock_system): ...
"""


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_pattern_is_tested_with_pydantic_alone() -> None:
    """Its prompts are what Jinja2 makes of them: where it is not installed, a test that looks at one is told so."""
    modules = tuple(sorted({module for extra in EXTRAS.values() for module in extra}))
    ran = python("-c", without(modules) + ALONE)
    assert (ran.stdout, ran.stderr) == ('jinja2 is not installed: pip install "penstock[cli]"\n', "")


def test_what_the_fixture_takes_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(without(["nats"]))
    (tmp_path / "test_it.py").write_text(ASKS_FOR_ALL)
    ran = python("-m", "pytest", "-q", "-p", "penstock.testing.fixtures", ".", cwd=tmp_path)
    assert '\nnats is not installed: pip install "penstock[all]"\n' in ran.stdout
    assert "Traceback" not in ran.stdout


def test_the_tests_of_the_guide_pass() -> None:
    """Those of the debate: by itself, and on the whole system."""
    ran = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/debate")
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.startswith("...")
