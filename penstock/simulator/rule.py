"""Steering: rules that say how the simulator answers certain calls. These models are its wire format."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from pydantic import Field, model_validator

from penstock.simulator.call import Call, Wire, agrees


class _Given(Wire, extra="forbid", frozen=True):
    """What a test sends: nothing that is not known."""


class Match(_Given):
    """Which calls a rule is for; a member left out matches all, an empty match every call."""

    step: str | None = None
    job: str | None = None
    key: str | None = None
    model: str | None = None
    contains: str | None = None

    def covers(self, call: Call, prompt: str) -> bool:
        """The rule is for this call, whose prompt `call` may have shortened."""
        return agrees(self, call, "step", "job", "key", "model") and (self.contains or "") in prompt


class PaceChange(_Given):
    """Another pace for one reply; a member left out stays as the simulator was started."""

    ttft: float | None = Field(default=None, ge=0)
    tokens_per_second: float | None = Field(default=None, gt=0)


class PlannedCall(_Given):
    """One function call of a reply."""

    name: str
    args: dict[str, Any] = {}


class Reply(_Given):
    """What to answer instead of the generated reply, and how. `vary` False: an equal request has equal words."""

    text: str | None = None
    value: Any = Field(default=None, alias="json")
    merge: dict[str, Any] | None = None
    function_calls: tuple[PlannedCall, ...] | None = None
    finish_reason: str | None = None
    pace: PaceChange = PaceChange()
    vary: bool = True
    hold: str | None = Field(default=None, min_length=1)
    hold_before: bool = False

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if len(self.model_fields_set & {"text", "value", "merge", "function_calls"}) > 1:
            raise ValueError("give one of text, json, merge and functionCalls")
        return self


class Fault(_Given):
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
        if len(self.model_fields_set - {"message", "retry_delay"}) > 1:
            raise ValueError("give one of status, breakAfterChunks, truncate, invalidJson, safety, promptBlocked, hang")
        return self


class Rule(_Given):
    """The first rule that matches a call and is neither skipping nor used up decides it.

    The first `skip` matching calls pass on to later rules; after `times` hits the rule is used up.
    """

    match: Match = Match()
    times: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    reply: Reply = Reply()
    fault: Fault = Fault()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.model_fields_set & {"reply", "fault"}:
            raise ValueError("give reply, fault or both")
        return self


_AS_USUAL = Rule(reply=Reply())


class RuleBook:
    """Rules in the order they were added. A release outlasts the hold it is for, so that neither can come too early."""

    def __init__(self) -> None:
        #: By id, each with how often it matched.
        self._rules: dict[int, tuple[Rule, int]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._last = 0

    def add(self, rule: Rule) -> int:
        """Adds a rule behind the others; its id."""
        self._last += 1
        self._rules[self._last] = rule, 0
        return self._last

    def clear(self) -> None:
        """Forgets all rules and lets go what is held."""
        self._rules.clear()
        for gate in self._gates.values():
            gate.set()
        self._gates.clear()

    def gate(self, name: str) -> asyncio.Event:
        """The event that a held reply waits for."""
        return self._gates.setdefault(name, asyncio.Event())

    def decide(self, call: Call, prompt: str) -> Rule:
        """The rule for this call, counted as hit; one that changes nothing if there is none."""
        for number, (rule, seen) in self._rules.items():
            if rule.match.covers(call, prompt) and (rule.times is None or seen < rule.skip + rule.times):
                self._rules[number] = rule, seen + 1
                if seen >= rule.skip:
                    return rule
        return _AS_USUAL
