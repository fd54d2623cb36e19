"""A scenario: a result, the model it belongs to, and events that could have built it, in a drawn order."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from penstock.contracts.events import (
    Delta,
    Event,
    JobCompleted,
    PartClose,
    PartEnd,
    PartReset,
    PartStart,
    PartValue,
    StepStarted,
)
from penstock.contracts.usage import Usage
from penstock.document import JsonPieces, Piece, Shape, TextPieces, join
from penstock.document.pointer import is_at_or_below
from tests.document.strategies import chunked, strings, values

names = st.sampled_from(["a", "b", "c", "d", "e/f", "~g", "\u2028h"])


@dataclass
class Scenario:
    result: dict[str, Any]
    shape: Shape
    events: list[Event]  # without the job's end
    streamed: dict[str, Any] = field(default_factory=dict)  # pointer -> value, of all that is in the events

    @property
    def end(self) -> JobCompleted:
        return JobCompleted(id="end", result=self.result, usage=Usage())


@dataclass
class _Draft:
    """What is collected while the result is drawn."""

    parts: dict[str, Any] = field(default_factory=dict)
    closes: list[str] = field(default_factory=list)


def pieces_of(draw: st.DrawFn, into: str, value: Any, *, split: bool = False) -> list[Piece]:
    if isinstance(value, str) and draw(st.booleans()):
        writer: TextPieces | JsonPieces = TextPieces(into)
        chunks = draw(chunked(value))
    else:
        writer = JsonPieces(into, split)
        chunks = draw(chunked(json.dumps(value, ensure_ascii=False)))
    return [piece for chunk in chunks for piece in writer.feed(chunk)] + writer.finish()


def attempt(k: str, a: int, pieces: list[Piece], *, reset: str | None = None) -> list[Event]:
    events: list[Event] = [StepStarted(k=k, a=a, n=0, step=k, service="test")]
    if reset is not None:
        events.append(PartReset(k=k, a=a, n=1, p=reset))
    written: defaultdict[str, str] = defaultdict(str)
    for piece in pieces:
        if piece.p not in written:
            events.append(PartStart(k=k, a=a, n=len(events), p=piece.p))
        written[piece.p] += piece.t
        if piece.t:
            events.append(Delta(k=k, a=a, n=len(events), p=piece.p, t=piece.t))
        if piece.last:
            events.append(PartEnd(k=k, a=a, n=len(events), p=piece.p, length=len(written[piece.p])))
    return events


def _tree(draw: st.DrawFn, p: str, depth: int, draft: _Draft, *, least: int = 0) -> tuple[Any, dict[str, Any]]:
    """A value and its schema; the draft takes the parts it is made of."""
    kind = draw(st.sampled_from(["leaf", "leaf", "object", "array"])) if p else "object"
    if kind == "leaf" or depth == 0:
        value = draft.parts[p] = draw(strings | values)
        return value, {}
    if kind == "array":
        # The schema does not say what the elements are, so an array among them has to show it by an element.
        count = draw(st.integers(least, 3))
        elements = [_tree(draw, join(p, index), depth - 1, draft, least=1)[0] for index in range(count)]
        draft.closes.append(p)
        return elements, {"type": "array", "items": {}}
    members: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        at = join(p, name)
        if draw(st.integers(0, 5)) == 0:
            properties[name] = {}
            draft.closes.append(at)
            continue
        members[name], properties[name] = _tree(draw, at, depth - 1, draft)
        required.append(name)
    if not members and p:
        # Nothing would tell readers of an object without members.
        name = next(iter(properties))
        draft.closes.remove(join(p, name))
        members[name] = draft.parts[join(p, name)] = draw(strings)
        required.append(name)
    return members, {"type": "object", "properties": properties, "required": required}


@st.composite
def scenarios(draw: st.DrawFn, *, retries: bool = False, quiet: bool = False) -> Scenario:
    """`retries`: earlier attempts broke off, and may have written something else.

    `quiet`: some members are not streamed and some closes are not sent.
    """
    draft = _Draft()
    result, schema = _tree(draw, "", draw(st.integers(1, 3)), draft)
    parts = dict(draft.parts)
    if quiet:
        parts = {p: value for p, value in parts.items() if draw(st.integers(0, 4))}
    writers: list[list[Event]] = []
    rooted = {p: value for p, value in parts.items() if p.count("/") == 1 and draw(st.booleans())}
    if len(rooted) > 1:
        parts = {p: value for p, value in parts.items() if p not in rooted}
        members = {p: result_name(p) for p in rooted}

        def split(values: dict[str, Any]) -> list[Piece]:
            order = draw(st.permutations(list(values)))
            return pieces_of(draw, "", {members[p]: values[p] for p in order}, split=True)

        writers.append(_attempts(draw, "split", "", rooted, split, retries))
    for index, (p, value) in enumerate(parts.items()):
        if draw(st.integers(0, 3)) == 0:
            writers.append([PartValue(id=f"value {p}", p=p, t=json.dumps(value, separators=(",", ":")))])
            continue

        def single(values: dict[str, Any], p: str = p) -> list[Piece]:
            return pieces_of(draw, p, values[p])

        writers.append(_attempts(draw, f"k{index}", p, {p: value}, single, retries))
    events = _interleaved(draw, writers)
    for p in draft.closes:
        silent = any(is_at_or_below(at, p) for at in draft.parts.keys() - parts.keys() - rooted.keys())
        if silent or (quiet and draw(st.booleans())):
            continue
        last = max((i + 1 for i, event in enumerate(events) if is_at_or_below(getattr(event, "p", "-"), p)), default=0)
        events.insert(draw(st.integers(last, len(events))), PartClose(id=f"close {p}", p=p))
    return Scenario(result, Shape(schema, {}), events, {**parts, **rooted})


def result_name(p: str) -> str:
    return p[1:].replace("~1", "/").replace("~0", "~")


def _attempts(draw: st.DrawFn, k: str, into: str, values_: dict[str, Any], write: Any, retries: bool) -> list[Event]:
    events: list[Event] = []
    count = draw(st.integers(0, 2)) if retries else 0
    for a in range(1, count + 1):
        written = dict(values_)
        if draw(st.booleans()):
            written[draw(st.sampled_from(list(written)))] = draw(strings | values)
        sent = attempt(k, a, write(written), reset=into if a > 1 else None)
        events += sent[: draw(st.integers(1, len(sent)))]
    return events + attempt(k, count + 1, write(values_), reset=into if count else None)


def _interleaved(draw: st.DrawFn, writers: list[list[Event]]) -> list[Event]:
    turns = [index for index, events in enumerate(writers) for _ in events]
    if len(turns) < 60:
        turns = draw(st.permutations(turns))
    else:
        draw(st.randoms(use_true_random=False)).shuffle(turns)
    left = [iter(events) for events in writers]
    return [next(left[index]) for index in turns]
