"""What an evaluation may cost, before it begins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from penstock.contracts.step import Step, Thinking
from penstock.contracts.usage import Usage
from penstock.evals.cases import Case, CaseSet
from penstock.evals.judge import prompt_file
from penstock.evals.report import Report
from penstock.llm.selector import choose
from penstock.llm.usage import cost_usd
from penstock.pattern import Pattern
from penstock.settings import Models
from penstock.steps.prompts import PromptFile

#: Tokens of a reply with its thinking, by how much a step is to think: a guess.
REPLY = {"low": 600, "medium": 1_500, "high": 3_000}
#: Characters of a token, in European languages; calls of a step in a pattern.
_CHARACTERS, _CALLS = 4, 3


def estimate(sets: Mapping[str, CaseSet], patterns: Mapping[str, Pattern[Any, Any]], models: Models) -> float | None:
    """US dollars at list price if no reply is recorded, to an order of magnitude; None where a price is not known.

    A step's prompt is rendered with each case. Of a pattern each step with a prompt is taken to be asked `_CALLS`
    times, with the case's input beside the prompt's text.
    """
    costs: list[float | None] = []
    for cases in sets.values():
        for pattern in patterns.values():
            for step in pattern.steps:
                named = (step.name, f"{pattern.name}/{step.name}")
                calls = _CALLS if pattern.name == cases.pattern else 1 if cases.step in named else 0
                if not calls or not pattern.prompt_of(step).exists():
                    continue
                for case in cases.cases:
                    cost = _of_call(pattern, step, case.input if cases.step else None, models, str(case.input))
                    costs += [cost] * calls * cases.times
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def judging(pairs: Mapping[str, Sequence[Case]], baseline: Report, model: str) -> float | None:
    """The same of a judge, who is asked twice of each pair: an answer is taken to be as long as the baseline's."""
    rules = len(prompt_file().text)
    costs = [
        cost_usd(
            _usage(rules + len(str(case.input)) + 2 * len(str(baseline.sets[name].outputs[case.id])), "high"), model
        )
        for name, cases in pairs.items()
        for case in cases
    ]
    known = [cost for cost in costs if cost is not None]
    return 2 * sum(known) if len(known) == len(costs) else None


def unpriced(models: Iterable[str]) -> Sequence[str]:
    """Those without a list price: what they cost cannot be kept below anything."""
    return [model for model in dict.fromkeys(models) if cost_usd(_usage(0, "low"), model) is None]


def _usage(characters: int, thinking: Thinking) -> Usage:
    return Usage(calls=1, prompt_tokens=characters // _CHARACTERS, output_tokens=REPLY[thinking])


def _of_call(
    pattern: Pattern[Any, Any], step: Step[Any, Any], given: dict[str, Any] | None, models: Models, otherwise: str
) -> float | None:
    model: type[BaseModel] = step.input
    prompt = PromptFile.of(pattern, step)
    text = prompt.text + otherwise
    if given is not None:
        rendered = prompt.render(model.model_validate(given))
        text = rendered.system + rendered.turns[0].text
    return cost_usd(_usage(len(text), step.thinking), choose(models, pattern.name, step).at(1).model)
