"""The version of a prompt differs as soon as what decides a reply does."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field

from penstock import Step, Wire
from penstock.steps.prompts import version_of


class Asked(Wire):
    query: str


class Said(Wire):
    words: str


class Described(Wire):
    words: str = Field(description="At most three.")


STEP = Step(name="say", input=Asked, output=Said)
TEXT = "Be kind.\n---\n{{ query }}"


def test_the_same_prompt_has_the_same_version() -> None:
    assert version_of(TEXT, STEP) == version_of(TEXT, replace(STEP))
    assert len(version_of(TEXT, STEP)) == 12


@pytest.mark.parametrize(
    "changed",
    [{"output": Described}, {"output": str}, {"thinking": "high"}, {"complexity": "complex"}, {"may_shorten": True}],
    ids=str,
)
def test_a_schema_or_a_setting_makes_another(changed: dict[str, Any]) -> None:
    assert version_of(TEXT, replace(STEP, **changed)) != version_of(TEXT, STEP)


def test_another_text_makes_another() -> None:
    assert version_of(TEXT.replace("kind", "brief"), STEP) != version_of(TEXT, STEP)
