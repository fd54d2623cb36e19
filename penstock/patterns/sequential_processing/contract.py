"""sequential-processing: draft, evaluate, improve where needed."""

from pydantic import Field

from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Score, Wire, omitted


class SequentialProcessingRequest(PatternRequest):
    input: str = Field(min_length=1, max_length=100_000, description="What the copy is to be written for.")


class Evaluation(Wire):
    score: Score
    feedback: str
    improvements: tuple[str, ...]


class SequentialProcessingResult(Wire):
    original_content: str
    evaluation: Evaluation
    improved_content: str | None = omitted()
    final_score: float
    processing_steps: tuple[str, ...]


class DraftInput(Wire):
    input: str


class EvaluateInput(DraftInput):
    content: str
    #: Whether this is the improved text, which the first evaluation led to.
    improved: bool = False


class ImproveInput(DraftInput):
    content: str
    evaluation: Evaluation


DRAFT = Step(name="draft", input=DraftInput, output=str, complexity="complex", thinking="low")
EVALUATE = Step(name="evaluate", input=EvaluateInput, output=Evaluation)
IMPROVE = Step(name="improve", input=ImproveInput, output=str, complexity="complex")
