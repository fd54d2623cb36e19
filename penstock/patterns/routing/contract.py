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
    reason: str = Field(description="What in the query decides.")
    category: Category = Field(description="The specialist who is to answer.")
    confidence: float = Field(ge=0, le=1, description="How sure the category is.")
    second_category: Category | None = omitted(description="What it might be as well.")
    complexity: Complexity = Field(description="How much a good answer takes.")
    urgency: Literal["low", "medium", "high"] = Field(description="How soon something has to be done.")
    required_expertise: tuple[str, ...] = Field(description="Fields of knowledge that a good answer needs.")


class Answer(Wire):
    response: str = Field(description="The answer, in the language of the query.")
    next_steps: tuple[str, ...] = Field(description="In order, each with who does it.")
    estimated_resolution_time: str = Field(description="A range with what it depends on, or that it is not known yet.")


class Classified(Wire):
    classification: Classification = Field(description="What kind of query it is.")
    answered_by: Category = Field(
        description="The specialist: classification.category, but general where that is not certain enough."
    )


class RoutingResult(Answer, Classified):
    """Who answers, then the answer."""


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
