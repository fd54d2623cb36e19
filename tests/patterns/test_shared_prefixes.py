"""Calls of one job that are given the same material begin alike, to the material's end: a model that remembers such a
beginning bills it less."""

from typing import Any

import pytest

from penstock.pattern import Pattern
from penstock.patterns import (
    evaluator_optimizer,
    multi_step_tool_usage,
    orchestrator_worker,
    parallel_processing,
    sequential_processing,
)
from penstock.patterns.orchestrator_worker.steps import EXECUTE
from penstock.patterns.parallel_processing.places import numbered
from tests.patterns.code_reviews import STEPS
from tests.patterns.plans import plan, task
from tests.patterns.reviews import error, translation_review
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: A pattern, steps that ask the same model, how many calls they are, and what the example gives each of them.
ALIKE = [
    (sequential_processing.PATTERN, ["draft", "improve"], 2, "input"),
    (sequential_processing.PATTERN, ["evaluate"], 2, "input"),
    (parallel_processing.PATTERN, [*STEPS.values()], 3, "code"),
    (orchestrator_worker.PATTERN, [step.name for step in EXECUTE.values()], 3, "feature_description"),
    (evaluator_optimizer.PATTERN, ["translate", "improve-translation"], 2, "text"),
    (evaluator_optimizer.PATTERN, ["evaluate-translation", "compare-translations"], 4, "text"),
    (multi_step_tool_usage.PATTERN, ["think"], 3, "problem"),
]


@pytest.mark.parametrize(("pattern", "steps", "count", "member"), ALIKE, ids=lambda one: getattr(one, "name", None))
async def test_what_calls_share_comes_first(
    pipeline: Pipeline, pattern: Pattern[Any, Any], steps: list[str], count: int, member: str
) -> None:
    tasks = task("t1"), task("t2", type="testing"), task("t3", "t1", type="database")
    await pipeline.gemini.rule(step="plan", reply=plan(*tasks, interfaces={"GET /cart": "answers a cart"}))
    await pipeline.gemini.rule(step="translate", reply={"text": "One version."})
    await pipeline.gemini.rule(step="improve-translation", reply={"text": "Another version."})
    await pipeline.gemini.rule(step="evaluate-translation", reply={"json": translation_review(error())})
    example = pattern.example.model_dump(mode="json", by_alias=True)
    if pattern is evaluator_optimizer.PATTERN:
        example["options"] = {"maxIterations": 2}
    job = await pipeline.submit(pattern.name, example)
    await pipeline.result(job)
    calls = [call for call in await pipeline.gemini.calls(job=job) if call.step in steps]
    assert len(calls) == count
    assert len({call.model for call in calls}) == 1
    given = getattr(pattern.example, member).strip()
    # tasks share what the plan defines, too, which stands behind the feature
    shared = "answers a cart" if member == "feature_description" else numbered(given) if member == "code" else given
    prompts = [call.prompt for call in calls]
    end = prompts[0].index(shared) + len(shared)
    assert len({prompt[:end] for prompt in prompts}) == 1
