"""The scores of a translation follow from its errors and its length."""

from typing import Any

import pytest

from penstock.patterns.evaluator_optimizer.contract import Iteration, TranslationReview
from penstock.patterns.evaluator_optimizer.scoring import PAGE, evaluated, finished, ranked
from tests.patterns.reviews import error, translation_review

MINOR, MAJOR, CRITICAL = (error(severity) for severity in ("minor", "major", "critical"))


@pytest.mark.parametrize(
    ("pages", "errors", "score"),
    [
        (0.1, (MINOR,) * 4, 8.4),
        (4, (MINOR,) * 4, 9.6),
        (4, (MAJOR,), 8.4),
        (4, (CRITICAL,), 5),
        (1, (CRITICAL,) * 2, 1),
        (10, (MAJOR,) * 10, 8),
    ],
)
def test_errors_count_by_the_page_and_grave_ones_cap_the_score(pages: float, errors: Any, score: float) -> None:
    """One page at least; a major error keeps any text below the usual target, a critical one below 5."""
    review = TranslationReview.model_validate(translation_review(*errors))
    assert evaluated(review, "x" * int(pages * PAGE)).score == score


def test_below_a_cap_fewer_errors_are_better_and_a_gain() -> None:
    """Of twenty pages 8.4 is the score with nine major errors and with one."""
    text, versions = "x" * 20 * PAGE, []
    for number, errors in enumerate((9, 5, 1), start=1):
        review = TranslationReview.model_validate(translation_review(*(MAJOR,) * errors))
        versions.append(Iteration(iteration=number, translation=text, evaluation=evaluated(review, text)))
    assert [one.evaluation.score for one in versions] == [8.4] * 3
    assert [one.iteration for one in ranked(versions)] == [3, 2, 1]
    assert not finished(versions, target=8.5, most=10)
