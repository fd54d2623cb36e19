"""routing: classify a query, answer it as the right specialist."""

from typing import Literal

from pydantic import Field

from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Complexity, Step
from penstock.contracts.wire import Wire


class RoutingRequest(PatternRequest):
    query: str = Field(min_length=1, max_length=100_000, description="What the customer asks.")


class Classification(Wire):
    category: Literal["technical", "marketing", "support", "general"]
    complexity: Complexity
    urgency: Literal["low", "medium", "high"]
    required_expertise: tuple[str, ...]


class Answer(Wire):
    response: str
    next_steps: tuple[str, ...]
    estimated_resolution_time: str


class RoutingResult(Wire):
    classification: Classification
    response: str
    next_steps: tuple[str, ...]
    estimated_resolution_time: str


class ClassifyInput(Wire):
    query: str


class RespondInput(ClassifyInput):
    classification: Classification


CLASSIFY = Step(name="classify", service="classifier", input=ClassifyInput, output=Classification, thinking="low")
RESPOND = Step(name="respond", input=RespondInput, output=Answer)
