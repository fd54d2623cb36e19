"""The rules in force, their hit counts, and the gates at which replies are held."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.prompt import Prompt
from simulator.rule import Match, Rule


@dataclass(slots=True)
class Entry:
    """A rule, how often it matched, and how often it decided a call."""

    id: int
    rule: Rule
    seen: int = 0
    hits: int = 0

    def to_json(self) -> dict[str, Any]:
        """The rule as it was given, with `id`, `seen` and `hits`."""
        return {"id": self.id, "seen": self.seen, "hits": self.hits, **self.rule.model_dump(
            mode="json", by_alias=True, exclude_unset=True)}  # fmt: skip


class RuleBook:
    """Rules in the order they were added. A release outlasts the hold it is for, so that neither can come too early."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._last = 0

    def add(self, rule: Rule) -> Entry:
        """Adds a rule behind the others."""
        self._last += 1
        entry = Entry(self._last, rule)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        """All rules, in order."""
        return list(self._entries)

    def clear(self) -> None:
        """Forgets all rules and lets go what is held."""
        self._entries.clear()
        for gate in self._gates.values():
            gate.set()
        self._gates.clear()

    def gate(self, name: str) -> asyncio.Event:
        """The event that a held reply waits for."""
        return self._gates.setdefault(name, asyncio.Event())

    def decide(self, call: Call, prompt: Prompt) -> Rule | None:
        """The rule for this call, counted as hit; None if it is to be answered as usual."""
        for entry in self._entries:
            if not _matches(entry.rule.match, call, prompt):
                continue
            if entry.rule.times is not None and entry.hits >= entry.rule.times:
                continue
            entry.seen += 1
            if entry.seen > entry.rule.skip:
                entry.hits += 1
                return entry.rule
        return None


def _matches(match: Match, call: Call, prompt: Prompt) -> bool:
    return (
        (match.step is None or match.step == call.step)
        and (match.job is None or match.job == call.job)
        and (match.key is None or match.key == call.key)
        and (match.model is None or match.model == call.model)
        and (match.schema_property is None or match.schema_property in call.schema_properties)
        and (match.contains is None or match.contains in prompt.whole)
    )
