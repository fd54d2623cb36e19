"""Scores of a translation, computed from its errors, and what follows from them.

After MQM (Multidimensional Quality Metrics, themqm.org): each error has a category and a severity, severities have
weights, and the sum is taken by length. A major error weighs five minor ones, as there; a critical one weighs less than
the 25 there, of which a scale from 1 to 10 would show only the first.
"""

from collections.abc import Iterable, Sequence

from penstock.patterns.evaluator_optimizer.contract import Iteration, TranslationEvaluation, TranslationReview

#: Points off for an error on one page. Shorter texts count as a page: one slip in a sentence is no worse for that.
WEIGHTS = {"minor": 0.4, "major": 2.0, "critical": 5.0}
#: No better than this with such an error, however long the text: a major one keeps it below the usual target of 8.5.
CAPS = {"minor": 10.0, "major": 8.4, "critical": 5.0}
#: About 250 words; characters, since not every script has spaces.
PAGE = 1_500
#: What two rounds together must gain for a third, and how close two scores are that a look side by side decides.
CLOSE = 0.5
_MEANING, _LANGUAGE, _FIELD = ("accuracy", "omission", "addition"), ("grammar", "style"), ("terminology",)


def evaluated(review: TranslationReview, translation: str) -> TranslationEvaluation:
    """The review with its scores: over all errors, and over those of meaning, of language and of terms."""

    def score(*categories: str) -> float:
        severities = [error.severity for error in review.errors if error.category in categories]
        uncapped = round(10 - _points(severities, translation), 2)
        return max(1.0, min([uncapped, *(CAPS[one] for one in severities)]))

    return TranslationEvaluation(
        **dict(review),
        specific_issues=tuple(
            f'{one.severity} ({one.category}): "{one.quote}" should be "{one.correction}"' for one in review.errors
        ),
        accuracy=score(*_MEANING),
        naturalness=score(*_LANGUAGE),
        domain_appropriate=score(*_FIELD),
        score=score(*_MEANING, *_LANGUAGE, *_FIELD),
    )


def ranked(iterations: Sequence[Iteration]) -> list[Iteration]:
    """The best first; of equal scores, which a cap or the least one gives to many, the one with fewer points off, and
    the earlier of equals before the later."""
    return sorted(iterations, key=lambda one: (-one.evaluation.score, -_uncapped(one)))


def finished(iterations: Sequence[Iteration], target: float, most: int) -> bool:
    """Whether the target is reached (as it is with nothing left to fix), the budget is spent, or two rounds in a row
    have gained less than CLOSE together, below a cap or the least score as well."""
    scores, uncapped = [one.evaluation.score for one in iterations], [_uncapped(one) for one in iterations]
    stalled = len(scores) > 2 and all(max(gained) - max(gained[:-2]) < CLOSE for gained in (scores, uncapped))
    return len(scores) >= most or max(scores, default=0) >= target or stalled


def close(iterations: Sequence[Iteration], target: float) -> tuple[Iteration, Iteration] | None:
    """The two best, the better one first, if they are different texts, at most CLOSE apart, and neither or both
    reach the target: one that does is not given up for one that does not."""
    best, *others = ranked(iterations)
    if not others or best.translation == others[0].translation:
        return None
    scores = best.evaluation.score, others[0].evaluation.score
    apart = scores[0] - scores[1] > CLOSE or (scores[0] >= target) != (scores[1] >= target)
    return None if apart else (best, others[0])


def _uncapped(iteration: Iteration) -> float:
    return 10 - _points([error.severity for error in iteration.evaluation.errors], iteration.translation)


def _points(severities: Iterable[str], translation: str) -> float:
    return sum(WEIGHTS[one] for one in severities) / max(1, len(translation) / PAGE)


def score_of_page(review: object) -> float:
    """The score of a review in JSON, of a translation that is no longer than a page."""
    return evaluated(TranslationReview.model_validate(review), "").score
