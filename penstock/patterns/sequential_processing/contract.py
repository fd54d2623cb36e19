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

    unsupported_claims: tuple[UnsupportedClaim, ...] = Field(
        max_length=100, description="Claims of fact that the brief does not make."
    )
    feedback: str = Field(description="The main finding.")
    improvements: tuple[str, ...] = Field(description="Concrete changes, the most useful first.")
    clarity: Score = Field(description="What is offered, to whom and what for.")
    persuasion: Score = Field(description="Reasons that matter to this reader.")
    emotion: Score = Field(description="The reader feels what would be better.")
    call_to_action: Score = Field(description="What to do next, and why now.")


class Evaluation(Review):
    """A review, and the score that follows from it."""

    score: Score = Field(description="The mean of the four before it; 5 at most with an unsupported claim.")


class SequentialProcessingResult(Wire):
    original_content: str = Field(description="The first draft.")
    evaluation: Evaluation = Field(description="What an editor finds in the first draft.")
    improved_content: str | None = omitted(description="The rewrite, if the draft scored less than 7.")
    improved_evaluation: Evaluation | None = omitted(description="What an editor finds in the rewrite.")
    final_content: str = Field(
        description="The better of the two by finalScore, then by fewer unsupported claims; else the original."
    )
    final_score: float = Field(description="The score of finalContent.")
    processing_steps: tuple[str, ...] = Field(description="The steps that were executed, in order.")


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
