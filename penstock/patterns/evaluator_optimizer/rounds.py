"""One round of translating and judging, and the choice between two translations that are close."""

import asyncio

from penstock.pattern import Run
from penstock.patterns.evaluator_optimizer import contract
from penstock.patterns.evaluator_optimizer.contract import Assignment, Iteration
from penstock.patterns.evaluator_optimizer.scoring import close, evaluated, ranked


async def next_round(run: Run, assignment: Assignment, so_far: list[Iteration]) -> Iteration:
    """The first translation, or a better version of the best one so far; and what its critic finds."""
    place, number = f"/iterations/{len(so_far)}", len(so_far) + 1
    run.put(f"{place}/iteration", number)
    if so_far:
        best = ranked(so_far)[0]
        review = contract.TranslationReview(errors=best.evaluation.errors, feedback=best.evaluation.feedback)
        weak = contract.ImproveTranslationInput(assignment=assignment, translation=best.translation, review=review)
        translation = await run.step(contract.IMPROVE_TRANSLATION, weak, into=f"{place}/translation")
    else:
        translation = await run.step(contract.TRANSLATE, assignment, into=f"{place}/translation")
    to_judge = contract.EvaluateTranslationInput(assignment=assignment, translation=translation)
    review = await run.step(contract.EVALUATE_TRANSLATION, to_judge, into=f"{place}/evaluation/")
    evaluation = evaluated(review, translation)
    computed = evaluation.model_dump(mode="json", exclude=set(contract.TranslationReview.model_fields))
    for member, value in computed.items():
        run.put(f"{place}/evaluation/{member}", value)
    return Iteration(iteration=number, translation=translation, evaluation=evaluation)


async def preferred(run: Run, assignment: Assignment, iterations: list[Iteration], target: float) -> Iteration | None:
    """Of two that are close the one that is preferred whichever comes first; None where none is, or none are close."""
    if (pair := close(iterations, target)) is None:
        return None
    orders = [pair, pair[::-1]]
    asked = [
        contract.CompareTranslationsInput(assignment=assignment, first=one.translation, second=other.translation)
        for one, other in orders
    ]
    answers = await asyncio.gather(*(run.step(contract.COMPARE_TRANSLATIONS, given) for given in asked))
    choices = [
        {"first": one, "second": other}.get(answer.better) for (one, other), answer in zip(orders, answers, strict=True)
    ]
    return choices[0] if choices[0] is choices[1] else None
