"""The score of a copy, computed from what was found in it."""

from penstock.patterns.sequential_processing.contract import Evaluation, Review

#: At this score the draft stays as it is.
GOOD_ENOUGH = 7.0
#: A copy that claims what its brief does not say scores no more than this, however well it reads.
UNSUPPORTED = 5.0


def evaluated(review: Review) -> Evaluation:
    """The review with the mean of its four scores, to two decimals, and at most UNSUPPORTED with any such claim."""
    mean = round((review.clarity + review.persuasion + review.emotion + review.call_to_action) / 4, 2)
    return Evaluation(**dict(review), score=min(mean, UNSUPPORTED) if review.unsupported_claims else mean)


def is_better(rewrite: Evaluation, draft: Evaluation) -> bool:
    """By the score; of equal ones, which UNSUPPORTED makes of many, by the claims that the brief does not make."""
    return (rewrite.score, -len(rewrite.unsupported_claims)) > (draft.score, -len(draft.unsupported_claims))


def score_of(review: object) -> float:
    """The score of a review in JSON."""
    return evaluated(Review.model_validate(review)).score
