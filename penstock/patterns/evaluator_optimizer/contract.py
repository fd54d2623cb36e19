"""evaluator-optimizer: translate, evaluate, improve until it is good enough or the iterations are spent."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Score, Wire
from penstock.patterns.quoting import shown, unfound


class EvaluatorOptimizerOptions(Options):
    target_score: Score = Field(default=8.5, description="The score at which a translation is accepted.")
    max_iterations: int = Field(default=3, ge=1, le=10, description="How many translations are made at most.")


class EvaluatorOptimizerRequest(PatternRequest):
    text: str = Field(min_length=1, max_length=100_000, description="The text to translate.")
    target_language: str = Field(min_length=1, max_length=100, description="The language to translate into.")
    domain: str = Field(min_length=1, max_length=200, description="The field the text is from, such as law or games.")
    options: EvaluatorOptimizerOptions = Field(default=EvaluatorOptimizerOptions(), description="How the job is run.")


class TranslationError(Wire):
    """One thing that is wrong with a translation."""

    quote: str = Field(description="Word for word from the translation; of what is missing, from the original.")
    correction: str = Field(description="What should stand there.")
    category: Literal["accuracy", "addition", "terminology", "grammar", "style", "omission"] = Field(
        description="What kind of error it is."
    )
    severity: Literal["minor", "major", "critical"] = Field(description="By what it does to a reader.")


class TranslationReview(Wire):
    """What is wrong with a translation, and what is to be said of it as a whole."""

    errors: tuple[TranslationError, ...] = Field(max_length=100, description="The gravest first.")
    feedback: str = Field(description="What state it is in, and what to do first.")


class TranslationEvaluation(TranslationReview):
    """A review, and the scores that follow from its errors."""

    specific_issues: tuple[str, ...] = Field(description="The errors, each as a sentence.")
    accuracy: Score = Field(description="By errors of accuracy, omission and addition.")
    naturalness: Score = Field(description="By errors of grammar and style.")
    domain_appropriate: Score = Field(description="By errors of terminology.")
    score: Score = Field(description="By all errors, taken per page of 1,500 characters.")


class Iteration(Wire):
    iteration: int = Field(description="Its number, from 1.")
    translation: str = Field(description="The whole text.")
    evaluation: TranslationEvaluation = Field(description="What was found in it, and its scores.")


class EvaluatorOptimizerResult(Wire):
    original_text: str = Field(description="As it was given.")
    target_language: str = Field(description="As it was given.")
    domain: str = Field(description="As it was given.")
    iterations: tuple[Iteration, ...] = Field(description="The first translation, then its improvements.")
    final_translation: str = Field(
        description="The one with the best score or, of two that are close, the one that was preferred side by side."
    )
    final_score: Score = Field(description="The score of finalTranslation.")
    accepted: bool = Field(description="Whether the target score was reached.")
    improvement_summary: str = Field(description="What each version improved on those before.")


class Assignment(Wire):
    text: str
    target_language: str
    domain: str


class EvaluateTranslationInput(Wire):
    assignment: Assignment
    translation: str


class ImproveTranslationInput(EvaluateTranslationInput):
    review: TranslationReview


class CompareTranslationsInput(Wire):
    assignment: Assignment
    first: str
    second: str


class Preference(Wire):
    """Which of two translations is better, and why."""

    reason: str = Field(description="Where the two differ, and which is right or better there.")
    better: Literal["first", "second", "neither"] = Field(
        description="neither, if the differences make up for each other."
    )


class Version(Wire):
    """What the client is told of a translation: not its text, which the result has."""

    iteration: int
    score: Score
    errors: tuple[TranslationError, ...]


class ExplainInput(Wire):
    target_language: str
    domain: str
    versions: tuple[Version, ...]
    #: The number of the iteration whose translation was chosen.
    chosen: int
    #: Whether it was preferred side by side to the one with the next best score, or a better one.
    preferred: bool
    target_score: Score
    accepted: bool


def _errors_are_there(given: EvaluateTranslationInput, review: TranslationReview) -> Sequence[str]:
    missing = [error for error in review.errors if error.category == "omission"]
    present = [error for error in review.errors if error.category != "omission"]
    return [
        *unfound((error.quote for error in present), given.translation, "the translation"),
        *unfound((error.quote for error in missing), given.assignment.text, "the original, as an omission does"),
        *(f"{shown(error.quote)} is its own correction." for error in present if error.quote == error.correction),
    ]


TRANSLATE = Step(name="translate", input=Assignment, output=str, complexity="complex")
EVALUATE_TRANSLATION = Step(
    name="evaluate-translation", input=EvaluateTranslationInput, output=TranslationReview, check=_errors_are_there
)
IMPROVE_TRANSLATION = Step(name="improve-translation", input=ImproveTranslationInput, output=str, complexity="complex")
COMPARE_TRANSLATIONS = Step(name="compare-translations", input=CompareTranslationsInput, output=Preference)
EXPLAIN = Step(name="explain", input=ExplainInput, output=str, thinking="low", may_shorten=True)
