"""Replies in JSON: valid against the schema of the request, and sensible for its prompt."""

import json
from graphlib import TopologicalSorter
from typing import Any, Literal, TypeVar

import pytest
from google.genai import types
from google.genai.client import AsyncClient
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from penstock.llm.schema import schema_of

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


class Finding(Wire):
    quote: str
    line: int | None = None
    remark: str


class Findings(Wire):
    findings: list[Finding]


class Action(Wire):
    action: str
    addresses: list[str]


class Actions(Wire):
    actions: list[Action]


async def ask(gemini: AsyncClient, prompt: str, output: type[Output], **labels: str) -> Output:
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema=schema_of(output),
        http_options=types.HttpOptions(headers={f"X-Penstock-{name}": label for name, label in labels.items()}),
    )
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=prompt, config=config)
    assert reply.text is not None
    return output.model_validate_json(reply.text)


async def test_members_come_in_the_order_of_the_schema(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema_of(Evaluation)
    )
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="Rate: solar lamps", config=config)
    assert reply.text is not None
    assert list(json.loads(reply.text)) == ["score", "feedback", "improvements"]


async def test_streamed_json_is_cut_within_strings_and_within_an_escape(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema_of(Evaluation)
    )
    stream = await gemini.models.generate_content_stream(
        model="gemini-2.5-flash", contents='Rate this draft about "solar" lamps', config=config
    )
    pieces = [chunk.text or "" async for chunk in stream]
    Evaluation.model_validate_json("".join(pieces))
    assert any(piece.endswith("\\") for piece in pieces)


async def test_a_first_draft_scores_about_six_and_its_improvement_clearly_more(gemini: AsyncClient) -> None:
    """Known by what the caller says of the call: a prompt need not tell the judge that it sees a rewrite."""
    prompt = "Evaluate: copy for a solar backpack, improved and revised."
    first = await ask(gemini, prompt, Evaluation, step="evaluate", key="evaluate-1")
    second = await ask(gemini, prompt, Evaluation, step="evaluate", key="evaluate-2")
    assert 5 <= first.score < 7
    assert 8 <= second.score <= 10


async def test_an_object_speaks_of_what_the_user_gave_first(gemini: AsyncClient) -> None:
    """Later quotations hold what models made of it."""
    prompt = (
        "The brief was:\n```text\nA solar lantern\n```\n\nThe draft:\n\n```text\nEvenings, evenings!\n```\n\nScore it."
    )
    evaluation = await ask(gemini, prompt, Evaluation)
    assert "solar lantern" in evaluation.feedback
    assert "vening" not in evaluation.feedback


async def test_what_a_finding_quotes_stands_in_the_last_thing_that_the_prompt_quotes(gemini: AsyncClient) -> None:
    """So a check of quotes passes, of lines that the prompt numbers, too."""
    text = "Evenings!\n\nA ``` in  it."
    prompt = f"The brief:\n```text\nA lantern\n```\nThe draft:\n````text\n{text}\n````\n\nReview it."
    found = (await ask(gemini, prompt, Findings)).findings
    assert [(one.line, one.quote) for one in found] == [(1, "Evenings!"), (3, "A ``` in  it.")]
    numbered = "Review:\n```text\n 9| x = 1\n10|   y = x\n```"
    found = (await ask(gemini, numbered, Findings)).findings
    assert [(one.line, one.quote) for one in found] == [(9, "x = 1"), (10, "y = x")]


async def test_in_a_revised_text_and_where_nothing_is_quoted_nothing_is_found(gemini: AsyncClient) -> None:
    assert (await ask(gemini, "The draft:\n```text\nRain\n```", Findings, key="evaluate-2")).findings == []
    assert (await ask(gemini, "Review my mind.", Findings)).findings == []


async def test_the_first_action_addresses_all_that_the_prompt_has_ids_of(gemini: AsyncClient) -> None:
    """So a check that nothing is left out passes, and so does one that all ids exist."""
    found = 'Found:\n```json\n[{"id": "security-1"}, {"id": "speed-1"}]\n```\nWhat is to be done?'
    first, second = (await ask(gemini, found, Actions)).actions
    assert (first.addresses, second.addresses) == (["security-1", "speed-1"], [])


async def test_a_subject_is_handed_on_by_what_was_said_of_it(gemini: AsyncClient) -> None:
    """A prompt that quotes earlier replies only is about what they are about."""
    first = await ask(gemini, "Evaluate this.\n<draft>A solar lantern</draft>", Evaluation)
    second = await ask(gemini, f"Sum up.\n```text\n{first.model_dump_json()}\n```", Evaluation)
    assert "solar lantern" in second.feedback


async def test_of_an_enumeration_the_first_value_is_taken_and_in_a_list_one_after_the_other(
    gemini: AsyncClient,
) -> None:
    found = await ask(gemini, "Classify the query.\n<query>Do you like rain?</query>", Classification)
    assert (found.category, found.complexity, found.urgency) == ("technical", "simple", "low")
    plan = await ask(gemini, "Plan this feature.\n<feature>lists</feature>", Plan)
    assert [task.priority for task in plan.tasks[:4]] == ["low", "medium", "high", "low"]


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


async def test_a_task_is_completed_and_nothing_blocks_it(gemini: AsyncClient) -> None:
    result = await ask(gemini, "Carry out the task.\nTask id: t3\nTitle: Build the sync service", TaskResult)
    assert (result.status, result.blockers) == ("completed", [])
    assert result.next_steps


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
    many: int = Field(gt=100)
    motto: str | None = None


@pytest.mark.parametrize("output", [Tree, Shelter])
async def test_recursion_unions_tuples_sets_and_maps_are_answered(gemini: AsyncClient, output: type[Wire]) -> None:
    await ask(gemini, "Describe the animal shelter in the valley", output)


async def test_words_vary_from_call_to_call_and_what_steers_does_not(gemini: AsyncClient) -> None:
    first, second = [await ask(gemini, "Evaluate this.\n<draft>Rain</draft>", Evaluation) for _ in range(2)]
    assert first.score == second.score
    assert len(first.improvements) == len(second.improvements)
    assert first.feedback != second.feedback
    plans = [await ask(gemini, "Plan this feature.\n<feature>lists</feature>", Plan) for _ in range(2)]
    one, other = [[task.model_dump(exclude={"title", "description"}) for task in plan.tasks] for plan in plans]
    assert one == other
    assert plans[0].timeline != plans[1].timeline


async def test_json_without_a_schema_is_an_object(gemini: AsyncClient) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json")
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="rain", config=config)
    value: Any = json.loads(reply.text or "")
    assert isinstance(value, dict)
