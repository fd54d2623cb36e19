"""Which model a step is asked, and how: by what its job says, then the settings, then the step itself.

options.model        ──▶ a tier, or that model and no other
PENSTOCK_STEP_MODELS ──▶ the same, for a step
priority, complexity ──▶ a tier: its model, then its fallbacks
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from penstock.contracts.options import PatternRequest, Priority
from penstock.contracts.problem import FieldError
from penstock.contracts.step import Complexity, Step, Thinking
from penstock.errors import InvalidRequest
from penstock.settings import ATTEMPTS_PER_MODEL, Models

Tier = Literal["complex", "fast"]

_GEMINI = re.compile(r"gemini-(\d+)")
_POINTER = "/options/model"


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, and what it is asked with. `thinking`: a level, or a budget in tokens."""

    model: str
    thinking: Thinking | int = "medium"
    temperature: float | None = None

    @property
    def told(self) -> Thinking | int | None:
        """The thinking that the model is told of. Levels are for Gemini 3 and later: each text model of them knows low,
        medium and high.

        Source: the table of levels in the Gemini API's guide to thinking, November 2026.
        """
        found = _GEMINI.match(self.model)
        return self.thinking if isinstance(self.thinking, int) or (found and int(found[1]) >= 3) else None


@dataclass(frozen=True, slots=True)
class Choice:
    """`models` in turn, each for some attempts; `stronger` is asked last where their replies do not fit, if any is."""

    models: Sequence[Asked]
    stronger: Asked | None

    @property
    def attempts(self) -> int:
        """How many there are: a failure of the last is final."""
        return len(self.models) * ATTEMPTS_PER_MODEL

    def at(self, attempt: int) -> Asked:
        """The one of an attempt, counted from 1. Past the last model's attempts it stays the last model."""
        return self.models[min((attempt - 1) // ATTEMPTS_PER_MODEL, len(self.models) - 1)]


def choose(
    settings: Models,
    pattern: str,
    step: Step[Any, Any],
    complexity: Complexity | None = None,
    priority: Priority | None = None,
    model: str | None = None,
) -> Choice:
    """`complexity`: where it is not the step's own. `priority` and `model` are the job's."""
    steps = settings.step_models
    named = model or steps.get(f"{pattern}/{step.name}") or steps.get(step.name)
    own = step.thinking_for(priority)
    if named is not None and named not in ("complex", "fast"):
        tiers = [*_tier(settings, "fast", own), *_tier(settings, "complex", own)]
        return Choice([next((one for one in tiers if one.model == named), Asked(named, own))], None)
    if named is None:
        wants_complex = (complexity or step.complexity) == "complex" if priority is None else priority == "quality"
        named = "complex" if wants_complex else "fast"
    if named == "complex":
        return Choice(_tier(settings, "complex", own), None)
    return Choice(_tier(settings, "fast", own), _tier(settings, "complex", own)[0])


def check_model(request: PatternRequest, settings: Models) -> None:
    """Raises InvalidRequest naming /options/model for one that jobs may not ask for here."""
    may = ("complex", "fast", *(settings.allowed_models or (*settings.complex_models, *settings.fast_models)))
    if (model := request.options.model) is not None and model not in may:
        why = f"{model[:100]!r} may not be asked for here: {', '.join(dict.fromkeys(may))} may"
        raise InvalidRequest(f"{_POINTER}: {why}", (FieldError(pointer=_POINTER, detail=why),))


def described_by(asked: Asked | None, model: str | None) -> dict[str, Any]:
    """What events and outcomes say of it; nothing where no model is asked. `model`: its name, as far as it is known."""
    if asked is None:
        return {}
    return {"model": model, "thinking": asked.told, "temperature": asked.temperature}


def _tier(settings: Models, tier: Tier, own: Thinking) -> list[Asked]:
    """`own`: the thinking of the step, where the tier has no other."""
    models, thinking, temperature = {
        "complex": (settings.complex_models, settings.complex_thinking, settings.complex_temperature),
        "fast": (settings.fast_models, settings.fast_thinking, settings.fast_temperature),
    }[tier]
    return [Asked(model, own if thinking is None else thinking, temperature) for model in models]
