"""routing: classify a query, answer it as the right specialist."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Complexity, Step
from penstock.contracts.wire import Wire, omitted

Category = Literal["technical", "marketing", "support", "general"]


class RoutingRequest(PatternRequest):
    query: str = Field(min_length=1, max_length=100_000, description="What the customer asks.")


class Classification(Wire):
    reason: str
    category: Category
    confidence: float = Field(ge=0, le=1)
    second_category: Category | None = omitted(description="What it might be as well.")
    complexity: Complexity
    urgency: Literal["low", "medium", "high"]
    required_expertise: tuple[str, ...]


class Answer(Wire):
    response: str
    next_steps: tuple[str, ...]
    estimated_resolution_time: str


class RoutingResult(Wire):
    classification: Classification
    answered_by: Category = Field(
        description="The specialist: classification.category, but general where that is not certain enough."
    )
    response: str
    next_steps: tuple[str, ...]
    estimated_resolution_time: str


class ClassifyInput(Wire):
    query: str


class RespondInput(ClassifyInput):
    classification: Classification
    specialist: Category


def _categories_differ(given: ClassifyInput, found: Classification) -> Sequence[str]:
    same = found.second_category == found.category
    return ["secondCategory is the same as category: leave it out, or name the other one."] if same else []


CLASSIFY = Step(
    name="classify",
    service="classifier",
    input=ClassifyInput,
    output=Classification,
    thinking="low",
    check=_categories_differ,
)
RESPOND = Step(name="respond", input=RespondInput, output=Answer)
