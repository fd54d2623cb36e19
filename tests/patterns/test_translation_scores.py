"""The scores of a translation follow from its errors and its length."""

from typing import Any

import pytest

from penstock.patterns.evaluator_optimizer.contract import TranslationReview
from penstock.patterns.evaluator_optimizer.scoring import PAGE, evaluated
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
