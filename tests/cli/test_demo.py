"""`penstock demo`: what a newcomer runs first."""

from pathlib import Path

import pytest

from penstock.patterns import PATTERNS
from tests.cli.system import penstock


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
def test_only_one_pattern_can_be_shown(pattern: str) -> None:
    """In a pipe the growth is a log: when which piece came."""
    ended = penstock("demo", "--only", pattern)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    pieces = [line.split() for line in ended.stdout.splitlines() if " /response " in line]
    assert len(pieces) > 1
    assert float(pieces[0][0]) < float(pieces[-1][0])
    assert "sequential-processing" not in ended.stdout
