"""What an outcome has at its place in the result: its value, or of a Turn its words."""

from typing import Any

from pydantic_core import to_json

from penstock.contracts.events import PartValue
from penstock.contracts.journal import Outcome
from penstock.contracts.turns import Turn
from penstock.document.placing import spread


def shown(outcome: Outcome) -> dict[str, Any]:
    """By pointer into the job's result; nothing of a failure, of a turn without words, and of what is shown nowhere."""
    if outcome.failure is not None:
        return {}
    if outcome.words_into is not None:
        return {outcome.words_into: words} if (words := Turn.model_validate(outcome.value).words) else {}
    return {} if outcome.into is None else spread(outcome.into, outcome.value)


def shown_anew(outcome: Outcome) -> list[PartValue]:
    """Events that show it to readers who have seen nothing of it."""
    return [
        PartValue(id=f"outcome:{outcome.key}:{p}", p=p, t=to_json(value).decode())
        for p, value in shown(outcome).items()
    ]
