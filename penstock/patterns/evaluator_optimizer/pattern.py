"""Evaluator-optimizer: a translation goes round until its critic is content or the iterations are spent.

text ──▶ TRANSLATE ──▶ EVALUATE ──▶ good enough, or the last one? ──yes──▶ the best of them ──▶ EXPLAIN ──▶ result
                           ▲             │ no
                           └── IMPROVE ◀─┘
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.evaluator_optimizer import contract
from penstock.patterns.evaluator_optimizer.contract import EVALUATE_TRANSLATION, EXPLAIN, IMPROVE_TRANSLATION, TRANSLATE


async def evaluator_optimizer(
    run: Run, request: contract.EvaluatorOptimizerRequest
) -> contract.EvaluatorOptimizerResult:
    text, language, domain, options = request.text, request.target_language, request.domain, request.options
    for member, value in (("originalText", text), ("targetLanguage", language), ("domain", domain)):
        run.put(f"/{member}", value)

    assignment = contract.Assignment(text=text, target_language=language, domain=domain)
    iterations: list[contract.Iteration] = []
    for number in range(1, options.max_iterations + 1):
        place = f"/iterations/{number - 1}"
        run.put(f"{place}/iteration", number)
        if not iterations:
            translation = await run.step(TRANSLATE, assignment, into=f"{place}/translation")
        else:
            last = iterations[-1]
            criticism = contract.ImproveTranslationInput(
                assignment=assignment, translation=last.translation, evaluation=last.evaluation
            )
            translation = await run.step(IMPROVE_TRANSLATION, criticism, into=f"{place}/translation")
        to_judge = contract.EvaluateTranslationInput(assignment=assignment, translation=translation)
        evaluation = await run.step(EVALUATE_TRANSLATION, to_judge, into=f"{place}/evaluation")
        iterations.append(contract.Iteration(iteration=number, translation=translation, evaluation=evaluation))
        if evaluation.score >= options.target_score:
            break
    run.close("/iterations")

    best = max(iterations, key=lambda one: one.evaluation.score)  # the earliest of equals
    accepted = best.evaluation.score >= options.target_score
    run.put("/finalTranslation", best.translation)
    run.put("/finalScore", best.evaluation.score)
    run.put("/accepted", accepted)
    story = contract.ExplainInput(
        target_language=language,
        domain=domain,
        iterations=tuple(iterations),
        chosen=best.iteration,
        target_score=options.target_score,
        accepted=accepted,
    )
    return contract.EvaluatorOptimizerResult(
        original_text=text,
        target_language=language,
        domain=domain,
        iterations=tuple(iterations),
        final_translation=best.translation,
        final_score=best.evaluation.score,
        accepted=accepted,
        improvement_summary=await run.step(EXPLAIN, story, into="/improvementSummary"),
    )


PATTERN = Pattern(
    name="evaluator-optimizer",
    summary="Translate a text, and improve the translation until an evaluator accepts it or the iterations are spent.",
    run=evaluator_optimizer,
    request=contract.EvaluatorOptimizerRequest,
    result=contract.EvaluatorOptimizerResult,
    steps=(TRANSLATE, EVALUATE_TRANSLATION, IMPROVE_TRANSLATION, EXPLAIN),
    example=contract.EvaluatorOptimizerRequest(
        text="Either party may end this agreement with thirty days' written notice.",
        target_language="French",
        domain="contract law",
    ),
)
