"""What these tutorials' patterns have in common: one step, DRAFT, which writes a text about a subject.

The simulator is steered by that subject, since it is part of the prompt.
"""

from collections.abc import Awaitable
from dataclasses import replace

from penstock.contracts.options import PatternRequest
from penstock.pattern import Run
from penstock.patterns import sequential_processing
from penstock.patterns.sequential_processing import contract
from penstock.patterns.sequential_processing.contract import DraftInput
from penstock.settings import Settings
from tests.support.simulator import Steering

#: Those of sequential-processing, with its prompts.
DRAFT = replace(contract.DRAFT, prompt=sequential_processing.PATTERN.prompt_of(contract.DRAFT))
EVALUATE = replace(contract.EVALUATE, prompt=sequential_processing.PATTERN.prompt_of(contract.EVALUATE))


class Subjects(PatternRequest):
    """A request: the subjects to write about."""

    subjects: tuple[str, ...] = ()


def write(run: Run, subject: str, *, into: str | None = None, key: str | None = None) -> Awaitable[str]:
    """One step of the run."""
    return run.step(DRAFT, DraftInput(input=subject), into=into, key=key)


async def calls_about(gemini: Steering, *subjects: str) -> dict[str, int]:
    """How often the model was really asked about each subject."""
    prompts = [call.prompt for call in await gemini.calls(step="draft")]
    return {subject: sum(subject in prompt for prompt in prompts) for subject in subjects}


def settings_with(settings: Settings, *patterns: str) -> Settings:
    """Settings under which the services also know these patterns (module:ATTRIBUTE)."""
    return settings.model_copy(update={"patterns": patterns})
