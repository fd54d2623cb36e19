"""evaluator-optimizer: translate, evaluate, improve until it is good enough or the iterations are spent."""

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Score, Wire


class EvaluatorOptimizerOptions(Options):
    target_score: Score = Field(default=8.5, description="The score at which a translation is accepted.")
    max_iterations: int = Field(default=3, ge=1, le=10, description="How many translations are made at most.")


class EvaluatorOptimizerRequest(PatternRequest):
    text: str = Field(min_length=1, max_length=100_000, description="The text to translate.")
    target_language: str = Field(min_length=1, max_length=100, description="The language to translate into.")
    domain: str = Field(min_length=1, max_length=200, description="The field the text is from, such as law or games.")
    options: EvaluatorOptimizerOptions = EvaluatorOptimizerOptions()


class TranslationEvaluation(Wire):
    score: Score
    accuracy: Score
    naturalness: Score
    domain_appropriate: Score
    feedback: str
    specific_issues: tuple[str, ...]


class Iteration(Wire):
    iteration: int
    translation: str
    evaluation: TranslationEvaluation


class EvaluatorOptimizerResult(Wire):
    original_text: str
    target_language: str
    domain: str
    iterations: tuple[Iteration, ...]
    #: The translation that scored best, the earliest of equals.
    final_translation: str
    final_score: Score
    #: Whether the target score was reached.
    accepted: bool
    improvement_summary: str


class Assignment(Wire):
    text: str
    target_language: str
    domain: str


class EvaluateTranslationInput(Wire):
    assignment: Assignment
    translation: str


class ImproveTranslationInput(EvaluateTranslationInput):
    evaluation: TranslationEvaluation


class ExplainInput(Wire):
    target_language: str
    domain: str
    iterations: tuple[Iteration, ...]
    #: The number of the iteration whose translation was chosen.
    chosen: int
    target_score: Score
    accepted: bool


TRANSLATE = Step(name="translate", input=Assignment, output=str, complexity="complex")
EVALUATE_TRANSLATION = Step(name="evaluate-translation", input=EvaluateTranslationInput, output=TranslationEvaluation)
IMPROVE_TRANSLATION = Step(name="improve-translation", input=ImproveTranslationInput, output=str, complexity="complex")
EXPLAIN = Step(name="explain", input=ExplainInput, output=str, thinking="low", may_shorten=True)
