"""The tool calls of a job, as a chat shows them: their inputs and outputs.

Read from the journal, since events do not carry inputs and outputs: the outcome of each step whose output is a Turn,
`think-<turn>`, is the model's turn with its calls, that of each call's key the tool's answer. The keys are those that
penstock/patterns/tool_agent/loop.py gives.
"""

import json
import re
from typing import Any

from penstock.contracts.events import Event, PartValue, StepCompleted, StepFailedEvent
from penstock.contracts.journal import Outcome
from penstock.contracts.turns import ToolCall, Turn
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.pattern import Pattern
from penstock.patterns.loading import with_subs
from penstock.patterns.tool_agent.contract import call_key
from penstock.runs.keys import as_token

_STEP = re.compile(r"/steps/(\d+)(/result)?")

Chunk = dict[str, Any]


def calls_of(name: str, key: str, turn: Turn) -> dict[str, ToolCall]:
    """The calls of a turn that the step `name` made under `key`, by the keys of their steps.

    None where an author's own loop keeps other keys.
    """
    part, numbered, number = key.rpartition(f"{name}-")
    if not (numbered and number.isdecimal()):
        return {}
    return {as_token(part + call_key(int(number), index)): call for index, call in enumerate(turn.calls, start=1)}


class ToolCalls:
    """Chunks of one job's tool calls; none if this replica does not know its pattern. The id of a call is the key of
    its step.
    """

    def __init__(self, bus: Bus, job: JobName, pattern: Pattern[Any, Any] | None) -> None:
        self._bus, self._job = bus, job
        known = with_subs({pattern.name: pattern} if pattern else {}).values()
        self._thinks = {step.name for one in known for step in one.steps if step.output is Turn}
        self._asked: list[str] = []  # in the order of the result's /steps
        self._open: dict[str, None] = {}  # those of sub-patterns, too

    async def feed(self, event: Event) -> list[Chunk]:
        match event:
            case StepCompleted(step=name, key=key) if name in self._thinks:
                return await self._called(name, key)
            case StepCompleted(key=key) if key in self._open:
                match await self._output(key):
                    case {"error": str(error), **others} if not others:
                        return [self._ended(key, "error", errorText=error)]
                    case output:
                        return [self._ended(key, "available", output=output)]
            case StepFailedEvent(key=key, problem=problem) if key in self._open:
                return [self._ended(key, "error", errorText=problem.detail)]
            case PartValue(p=p, t=t) if step := _STEP.fullmatch(p):
                # a call that fits no tool has no step of its own: only its place in the result answers it
                calls = self._asked[int(step[1]) :][:1]
                result = json.loads(t)
                answer = str(result if step[2] else result.get("result", "no answer")).removeprefix("error: ")
                return [self._ended(call, "error", errorText=answer) for call in calls if call in self._open]
        return []

    def unanswered(self) -> list[Chunk]:
        """An end for every call that is still open."""
        return [self._ended(call, "error", errorText="no answer") for call in list(self._open)]

    async def _called(self, name: str, key: str) -> list[Chunk]:
        output = await self._output(key)
        calls = calls_of(name, key, Turn.model_validate(output)) if output and "parts" in output else {}
        self._asked += calls if key.removeprefix(f"{name}-").isdecimal() else ()
        self._open |= dict.fromkeys(calls)
        fields = ((name, {"toolName": call.name, "input": call.args}) for name, call in calls.items())
        return [{"type": "tool-input-available", "toolCallId": name, **described} for name, described in fields]

    def _ended(self, call: str, how: str, **fields: Any) -> Chunk:
        self._open.pop(call, None)
        return {"type": f"tool-output-{how}", "toolCallId": call, **fields}

    async def _output(self, key: str) -> Any:
        found = await self._bus.last_from_leader(subjects.journal(self._job, key))
        return Outcome.model_validate_json(found.data).value if found else None
