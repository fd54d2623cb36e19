"""Steering: rules that say how the simulator answers certain calls. These models are its wire format."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from penstock.simulator.call import Call


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Match(_Wire):
    """Which calls a rule is for; a member left out matches all, an empty match every call."""

    step: str | None = None
    job: str | None = None
    key: str | None = None
    model: str | None = None
    contains: str | None = None
    schema_property: str | None = None

    def covers(self, call: Call, prompt: str) -> bool:
        """The rule is for this call, whose prompt `call` may have shortened."""
        wanted = ((name, getattr(self, name)) for name in ("step", "job", "key", "model"))
        return (
            all(one in (None, getattr(call, name)) for name, one in wanted)
            and (self.schema_property is None or self.schema_property in call.schema_properties)
            and (self.contains is None or self.contains in prompt)
        )


class PaceChange(_Wire):
    """Another pace for one reply; a member left out stays as the simulator was started."""

    ttft: float | None = Field(default=None, ge=0)
    tokens_per_second: float | None = Field(default=None, gt=0)


class PlannedCall(_Wire):
    """One function call that the reply is to make."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class Reply(_Wire):
    """What to answer instead of the generated reply, and how. `vary` False: an equal request has equal words."""

    text: str | None = None
    value: Any = Field(default=None, alias="json")
    merge: dict[str, Any] | None = None
    function_calls: tuple[PlannedCall, ...] | None = None
    finish_reason: str | None = None
    pace: PaceChange | None = None
    vary: bool = True
    hold: str | None = Field(default=None, min_length=1)
    hold_before: bool = False

    @property
    def has_value(self) -> bool:
        """`json` was given, be it null."""
        return "value" in self.model_fields_set

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        given = (self.text is not None, self.has_value, self.merge is not None, self.function_calls is not None)
        if sum(given) > 1:
            raise ValueError("give one of text, json, merge and functionCalls")
        if self.hold_before and self.hold is None:
            raise ValueError("holdBefore needs hold")
        return self


class Fault(_Wire):
    """What goes wrong. `retry_delay` is in seconds; `break_after_chunks` aborts the connection."""

    status: int | None = Field(default=None, ge=400, le=599)
    message: str | None = None
    retry_delay: float | None = Field(default=None, ge=0)
    break_after_chunks: int | None = Field(default=None, ge=0)
    truncate: bool = False
    invalid_json: bool = False
    safety: bool = False
    prompt_blocked: bool = False
    hang: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.status is not None, self.break_after_chunks is not None, self.truncate, self.invalid_json)
        if sum((*kinds, self.safety, self.prompt_blocked, self.hang)) != 1:
            raise ValueError(
                "give one of status, breakAfterChunks, truncate, invalidJson, safety, promptBlocked and hang"
            )
        if self.retry_delay is not None and self.status is None:
            raise ValueError("retryDelay needs status")
        return self


#: Nothing goes wrong; as a fault that is given it would be refused.
NO_FAULT = Fault.model_construct()


class Rule(_Wire):
    """The first rule that matches a call and is neither skipping nor used up decides it.

    The first `skip` matching calls pass on to later rules; after `times` hits the rule is used up.
    """

    match: Match = Match()
    times: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    reply: Reply | None = None
    fault: Fault | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.reply is None and self.fault is None:
            raise ValueError("give reply, fault or both")
        return self


@dataclass(slots=True)
class _Entry:
    rule: Rule
    #: How often it matched, and how often it decided a call.
    seen: int = 0
    hits: int = 0


class RuleBook:
    """Rules in the order they were added. A release outlasts the hold it is for, so that neither can come too early."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._last = 0

    def add(self, rule: Rule) -> int:
        """Adds a rule behind the others; its id."""
        self._last += 1
        self._entries[self._last] = _Entry(rule)
        return self._last

    def to_json(self) -> list[dict[str, Any]]:
        """The rules as they were given, each with `id`, `seen` and `hits`."""
        given = {
            id: one.rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for id, one in self._entries.items()
        }
        return [{"id": id, "seen": one.seen, "hits": one.hits, **given[id]} for id, one in self._entries.items()]

    def clear(self) -> None:
        """Forgets all rules and lets go what is held."""
        self._entries.clear()
        for gate in self._gates.values():
            gate.set()
        self._gates.clear()

    def gate(self, name: str) -> asyncio.Event:
        """The event that a held reply waits for."""
        return self._gates.setdefault(name, asyncio.Event())

    def decide(self, call: Call, prompt: str) -> Rule | None:
        """The rule for this call, counted as hit; None if it is to be answered as usual."""
        for entry in self._entries.values():
            rule = entry.rule
            if rule.match.covers(call, prompt) and (rule.times is None or entry.hits < rule.times):
                entry.seen += 1
                if entry.seen > rule.skip:
                    entry.hits += 1
                    return rule
        return None
