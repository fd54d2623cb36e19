"""example-pattern: its function, the pattern by itself, and all of it on the whole system with simulated answers."""

import asyncio

from patterns.example_pattern.pattern import PATTERN, Announcement, Notes, sorted_by_length

from penstock.testing import PatternTest
from penstock.testing.system import System

WRITTEN = Announcement(title="Version 2", text="It ships on Monday.")


def test_notes_become_points_the_shortest_first() -> None:
    sorted_notes = asyncio.run(sorted_by_length(Notes(notes="It is faster by a third. Thanks to Ada. ")))
    assert sorted_notes.points == ("Thanks to Ada", "It is faster by a third")


def test_the_announcement_is_written_from_the_points() -> None:
    """`write` gives what is said here, `sort` does what it does; and each replay has to ask for the same again."""
    run = asyncio.run(PatternTest(PATTERN, steps={"sort": sorted_by_length, "write": WRITTEN}).run())
    assert run.result.points[0] == "Thanks to Ada"
    assert run.result.title == "Version 2"
    assert '- "Thanks to Ada"' in run.steps["write-1"].prompt


def test_the_whole_system_runs_it(penstock_system: System) -> None:
    """On free ports, as `penstock up` starts it; the simulator answers for the model."""
    penstock_system.simulator.answer("write", WRITTEN)
    result = penstock_system.client.run(PATTERN, PATTERN.example)
    assert result.title == "Version 2"
