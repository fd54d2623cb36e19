"""Replies in JSON: valid against the schema of the request, and sensible for its prompt."""

import json
from graphlib import TopologicalSorter
from typing import Any, Literal, TypeVar

import pytest
from google.genai import types
from google.genai.client import AsyncClient
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

pytestmark = pytest.mark.asyncio(loop_scope="module")

Output = TypeVar("Output", bound=BaseModel)


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Evaluation(Wire):
    score: float = Field(ge=1, le=10)
    feedback: str
    improvements: tuple[str, ...]


class Classification(Wire):
    category: Literal["technical", "marketing", "support", "general"]
    complexity: Literal["simple", "moderate", "complex"]
    urgency: Literal["low", "medium", "high"]
    required_expertise: list[str] = Field(min_length=1)


class Task(Wire):
    id: str
    title: str
    description: str
    dependencies: list[str]
    estimated_hours: float = Field(gt=0)
    priority: Literal["low", "medium", "high"]
    type: Literal["backend", "frontend", "database", "testing", "documentation"]


class Plan(Wire):
    tasks: list[Task]
    timeline: str
    risks: list[str]


class TaskResult(Wire):
    task_id: str
    status: Literal["completed", "blocked", "failed"]
    output: str
    next_steps: list[str]
    blockers: list[str]


async def ask(gemini: AsyncClient, prompt: str, output: type[Output]) -> Output:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=output.model_json_schema()
    )
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=prompt, config=config)
    assert reply.text is not None
    return output.model_validate_json(reply.text)


async def test_members_come_in_the_order_of_the_schema(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=Evaluation.model_json_schema()
    )
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="Rate: solar lamps", config=config)
    assert reply.text is not None
    assert list(json.loads(reply.text)) == ["score", "feedback", "improvements"]


async def test_the_sdks_own_schema_message_works_too(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Classification)
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="hello there", config=config)
    assert isinstance(reply.parsed, Classification)


async def test_streamed_json_is_cut_within_strings_and_within_an_escape(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=Evaluation.model_json_schema()
    )
    stream = await gemini.models.generate_content_stream(
        model="gemini-2.5-flash", contents="Rate this draft about solar lamps", config=config
    )
    pieces = [chunk.text or "" async for chunk in stream]
    Evaluation.model_validate_json("".join(pieces))
    assert any(piece.endswith("\\") for piece in pieces)


async def test_a_first_draft_scores_about_six_and_its_improvement_clearly_more(gemini: AsyncClient) -> None:
    asked = "Write copy for a solar backpack."
    draft = await gemini.models.generate_content(model="gemini-2.5-pro", contents=asked)
    first = await ask(gemini, f"Evaluate the draft.\n<draft>{draft.text}</draft>", Evaluation)
    improved = await gemini.models.generate_content(
        model="gemini-2.5-pro", contents=f"Improve the draft by this feedback: {first.feedback}\n{draft.text}"
    )
    second = await ask(gemini, f"Evaluate the draft.\n<draft>{improved.text}</draft>", Evaluation)
    assert 5 <= first.score < 7
    assert 8 <= second.score <= 10


@pytest.mark.parametrize(
    ("query", "category"),
    [
        ("Our API answers with error 500 when the database is slow", "technical"),
        ("Which price and brand message suits our campaign?", "marketing"),
        ("I forgot my password and my order never came, I want a refund", "support"),
        ("Do you like rain?", "general"),
    ],
)
async def test_a_category_follows_from_the_words_of_the_query(gemini: AsyncClient, query: str, category: str) -> None:
    found = await ask(gemini, f"Classify the query.\n<query>{query}</query>", Classification)
    assert found.category == category


async def test_complexity_follows_from_the_length_and_urgency_from_the_words(gemini: AsyncClient) -> None:
    short = await ask(gemini, "Classify the query.\n<query>Do you like rain?</query>", Classification)
    long = await ask(gemini, f"Classify the query.\n<query>Urgent: {'our shop is slow ' * 30}</query>", Classification)
    assert (short.complexity, short.urgency) == ("simple", "medium")
    assert (long.complexity, long.urgency) == ("complex", "high")


@pytest.mark.parametrize("feature", ["shared shopping lists", "offline maps for hikers", "a referral programme"])
async def test_a_plan_is_an_acyclic_graph_with_work_to_do_in_parallel(gemini: AsyncClient, feature: str) -> None:
    plan = await ask(gemini, f"Plan this feature.\n<feature>{feature}</feature>", Plan)
    ids = [task.id for task in plan.tasks]
    assert ids == [f"t{number}" for number in range(1, len(ids) + 1)]
    graph = TopologicalSorter({task.id: task.dependencies for task in plan.tasks})
    graph.prepare()
    widths = []
    while graph.is_active():
        ready = graph.get_ready()
        widths.append(len(ready))
        graph.done(*ready)
    assert max(widths) >= 2
    assert len(widths) >= 3
    assert len({task.type for task in plan.tasks}) >= 3


async def test_a_task_result_echoes_the_id_of_its_task_and_is_completed(gemini: AsyncClient) -> None:
    result = await ask(gemini, "Carry out the task.\nTask id: t3\nTitle: Build the sync service", TaskResult)
    assert (result.task_id, result.status, result.blockers) == ("t3", "completed", [])


class Tree(Wire):
    name: str
    children: list["Tree"]


class Cat(Wire):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(Wire):
    kind: Literal["dog"]
    tricks: set[Literal["sit", "roll", "fetch"]]


class Shelter(Wire):
    animals: list[Cat | Dog] = Field(min_length=3, max_length=3)
    favourite: Cat | Dog = Field(discriminator="kind")
    pair: tuple[int, str]
    notes: dict[str, str]
    even: int = Field(multiple_of=2, gt=100)
    motto: str | None = Field(default=None, max_length=12)


@pytest.mark.parametrize("output", [Tree, Shelter])
async def test_recursion_unions_tuples_sets_and_maps_are_answered(gemini: AsyncClient, output: type[Wire]) -> None:
    await ask(gemini, "Describe the animal shelter in the valley", output)


async def test_json_without_a_schema_is_an_object(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json")
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="rain", config=config)
    value: Any = json.loads(reply.text or "")
    assert isinstance(value, dict)
