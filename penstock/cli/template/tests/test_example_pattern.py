"""example-pattern: its function alone, and all of it on the whole system, with simulated answers."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from patterns.example_pattern.pattern import Notes, sorted_by_length

PROJECT = Path(__file__).parents[1]


def test_notes_become_points_the_shortest_first() -> None:
    sorted_notes = asyncio.run(sorted_by_length(Notes(notes="It is faster by a third. Thanks to Ada. ")))
    assert sorted_notes.points == ("Thanks to Ada", "It is faster by a third")


def test_the_whole_system_runs_it() -> None:
    """Starts everything on free ports, runs the example, checks the result, and leaves nothing running."""
    without_key = os.environ | {"GEMINI_API_KEY": "", "GOOGLE_API_KEY": ""}
    command = [sys.executable, "-P", "-m", "penstock", "demo", "--only", "example-pattern"]
    subprocess.run(command, cwd=PROJECT, env=without_key, check=True)
