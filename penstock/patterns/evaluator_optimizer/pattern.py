"""Evaluator-optimizer: the best translation goes round until its critic finds little, or the rounds gain or leave none.

text ──▶ TRANSLATE ──▶ EVALUATE ──▶ good enough, spent or stalled? ──yes──▶ two are close? ──no──▶ EXPLAIN ──▶ result
                           ▲             │ no                                     │ yes             ▲
                           └── IMPROVE ◀─┘ the best so far                        └──▶ COMPARE ─────┘ in both orders
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.evaluator_optimizer import contract
from penstock.patterns.evaluator_optimizer.contract import Iteration
from penstock.patterns.evaluator_optimizer.rounds import next_round, preferred
from penstock.patterns.evaluator_optimizer.scoring import finished, ranked


async def evaluator_optimizer(
    run: Run, request: contract.EvaluatorOptimizerRequest
) -> contract.EvaluatorOptimizerResult:
    text, language, domain, options = request.text, request.target_language, request.domain, request.options
    for member, value in (("originalText", text), ("targetLanguage", language), ("domain", domain)):
        run.put(f"/{member}", value)

    assignment = contract.Assignment(text=text, target_language=language, domain=domain)
    iterations: list[Iteration] = []
    while not finished(iterations, options.target_score, options.max_iterations):
        iterations.append(await next_round(run, assignment, iterations))
    run.close("/iterations")

    favourite = await preferred(run, assignment, iterations, options.target_score)
    best = favourite or ranked(iterations)[0]
    accepted = best.evaluation.score >= options.target_score
    run.put("/finalTranslation", best.translation)
    run.put("/finalScore", best.evaluation.score)
    run.put("/accepted", accepted)
    story = contract.ExplainInput(
        target_language=language,
        domain=domain,
        versions=tuple(
            contract.Version(iteration=one.iteration, score=one.evaluation.score, errors=one.evaluation.errors)
            for one in iterations
        ),
        chosen=best.iteration,
        preferred=favourite is not None,
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
        improvement_summary=await run.step(contract.EXPLAIN, story, into="/improvementSummary"),
    )


PATTERN = Pattern(
    name="evaluator-optimizer",
    summary="Translate a text, and improve the best translation until it is good enough or rounds gain little.",
    run=evaluator_optimizer,
    request=contract.EvaluatorOptimizerRequest,
    result=contract.EvaluatorOptimizerResult,
    steps=(
        contract.TRANSLATE,
        contract.EVALUATE_TRANSLATION,
        contract.IMPROVE_TRANSLATION,
        contract.COMPARE_TRANSLATIONS,
        contract.EXPLAIN,
    ),
    example=contract.EvaluatorOptimizerRequest(
        text="Either party may end this agreement with thirty days' written notice.",
        target_language="French",
        domain="contract law",
    ),
)
