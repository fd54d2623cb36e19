"""A plan of tasks: unique ids t1..tN, and dependencies on earlier ids that leave work to do in parallel."""

from __future__ import annotations

from simulator.schema import Schema, as_schema, resolved

# Each entry lists the earlier tasks (by number) that a task waits for.
_GRAPHS: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((), (1,), (1,), (2, 3), (4,)),
    ((), (1,), (1,), (1,), (2, 3), (4, 5)),
    ((), (), (1, 2), (1,), (3, 4)),
)
KINDS = ("analysis", "backend", "frontend", "database", "testing", "documentation")
_TITLES = (
    "Design the contract for {a}",
    "Build the service for {b}",
    "Build the page for {a}",
    "Store {c} safely",
    "Test {a} together with {b}",
    "Describe {c} for its users",
)
_LINKS = ("dependencies", "dependsOn", "depends_on")


def links_of(item: Schema, root: Schema) -> str | None:
    """The name of the member that holds dependencies, if the item is a task with an id."""
    shape = resolved(item, root)
    properties = shape.get("properties") or {}
    link = next((name for name in _LINKS if name in properties), None)
    if link is None or "id" not in properties:
        return None
    inner = resolved(as_schema(properties[link]), root)
    return link if inner.get("type") == "array" else None


def dependencies(seed: int, count: int) -> list[list[str]]:
    """For each of `count` tasks the ids it waits for; acyclic, since each looks back only."""
    graph = _GRAPHS[seed % len(_GRAPHS)]
    waits = [graph[place] if place < len(graph) else (place - 1, place) for place in range(count)]
    return [[f"t{number}" for number in numbers] for numbers in waits]


def size(seed: int) -> int:
    """How many tasks a plan has if its schema leaves that open."""
    return len(_GRAPHS[seed % len(_GRAPHS)])


def title(place: int, terms: tuple[str, ...]) -> str:
    """A task's title by its place in the plan."""
    return _TITLES[place % len(_TITLES)].format(a=terms[0], b=terms[1], c=terms[2])
