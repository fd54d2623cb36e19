"""What is wrong with a pattern is said in a sentence, with its place; callers see it where a setting allows it."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from penstock.settings import Settings
from tests.authors import mistaken
from tests.support.pipeline import Pipeline

NAME = f"{mistaken.__name__}:PATTERN"
#: Where there is no line of the pattern that calls, its first one is named.
ELSEWHERE: dict[str, Callable[..., Any]] = {
    "another_result": mistaken.mistaken,
    "an_ordinary_bug": mistaken._added,
    "a_signal_too_long_to_give": mistaken.waiting,
    "a_broken_executor": mistaken.broken,
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (NAME,), "show_errors": True})


async def test_each_mistake_is_said_with_its_place(pipeline: Pipeline) -> None:
    for way, said in mistaken.SAID.items():
        problem = (await pipeline.failure(await pipeline.submit("mistaken", {"how": way.__name__}))).problem
        assert problem.code == ("step_error" if way is mistaken.a_broken_executor else "pattern_error")
        assert problem.detail.startswith(said), problem.detail
        found = re.search(r"tests/authors/(\w+)\.py:(\d+)\)$", problem.detail)
        assert found, problem.detail
        lines, first = inspect.getsourcelines(ELSEWHERE.get(way.__name__, way))
        if way is not mistaken.a_place_of_a_sub_twice:  # the sub's line, which is in its own file
            assert found[1] == "mistaken"
            assert first <= int(found[2]) < first + len(lines), problem.detail


async def test_callers_are_told_the_kind_only_unless_a_setting_allows_more(pipeline: Pipeline) -> None:
    await pipeline.stop("aggregator")
    await pipeline.stop("workers")
    for kind in ("aggregator", "workers"):
        await pipeline.start(kind, show_errors=False)
    said = {
        how: (await pipeline.failure(await pipeline.submit("mistaken", {"how": how}))).problem.detail
        for how in ("a_key_twice", "an_ordinary_bug", "a_broken_executor")
    }
    assert said == {
        "a_key_twice": "PatternMistake in the pattern mistaken",
        "an_ordinary_bug": "TypeError in the pattern mistaken",
        "a_broken_executor": "ValidationError in the executor of broken",
    }
