"""sequential-processing: draft, evaluate, improve where needed."""

from collections.abc import Sequence

from pydantic import Field

from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Score, Wire, omitted
from penstock.patterns.quoting import unfound


class SequentialProcessingRequest(PatternRequest):
    input: str = Field(min_length=1, max_length=100_000, description="What the copy is to be written for.")


class UnsupportedClaim(Wire):
    """What the copy says and the brief does not."""

    quote: str = Field(description="Word for word from the copy.")
    reason: str = Field(description="What of it the brief does not say.")


class Review(Wire):
    """What an editor finds, and then how it scores."""

    unsupported_claims: tuple[UnsupportedClaim, ...] = Field(max_length=100)
    feedback: str
    improvements: tuple[str, ...]
    clarity: Score
    persuasion: Score
    emotion: Score
    call_to_action: Score


class Evaluation(Review):
    """A review, and the score that follows from it."""

    score: Score


class SequentialProcessingResult(Wire):
    original_content: str
    evaluation: Evaluation
    improved_content: str | None = omitted()
    improved_evaluation: Evaluation | None = omitted()
    final_content: str = Field(
        description="The better of the two, the original where they are equal; final_score is its score."
    )
    final_score: float
    processing_steps: tuple[str, ...]


class DraftInput(Wire):
    input: str


class EvaluateInput(DraftInput):
    content: str


class ImproveInput(EvaluateInput):
    review: Review


def _claims_are_quoted(given: EvaluateInput, review: Review) -> Sequence[str]:
    return unfound((claim.quote for claim in review.unsupported_claims), given.content, "the copy")


DRAFT = Step(name="draft", input=DraftInput, output=str, complexity="complex", thinking="low")
EVALUATE = Step(name="evaluate", input=EvaluateInput, output=Review, check=_claims_are_quoted)
IMPROVE = Step(name="improve", input=ImproveInput, output=str, complexity="complex")
