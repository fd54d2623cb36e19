"""Sequential processing: a draft, a critical look, a second draft only where the first is weak.

input ──▶ DRAFT ──▶ EVALUATE ──▶ score < 7? ──yes──▶ IMPROVE ──▶ EVALUATE ──▶ the better one
                                     └──────────no──────────────────────────────────▲
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.sequential_processing import contract
from penstock.patterns.sequential_processing.contract import DRAFT, EVALUATE, IMPROVE, Evaluation
from penstock.patterns.sequential_processing.scoring import GOOD_ENOUGH, evaluated, is_better


async def sequential_processing(
    run: Run, request: contract.SequentialProcessingRequest
) -> contract.SequentialProcessingResult:
    topic = request.input

    async def evaluate(content: str, place: str) -> Evaluation:
        """Each text alone: who judges does not know whether it is a first one or a rewrite."""
        review = await run.step(EVALUATE, contract.EvaluateInput(input=topic, content=content), into=f"{place}/")
        evaluation = evaluated(review)
        run.put(f"{place}/score", evaluation.score)
        done.append(f"evaluate: {evaluation.score:g}/10")
        return evaluation

    done = ["draft"]
    draft = await run.step(DRAFT, contract.DraftInput(input=topic), into="/originalContent")
    first = await evaluate(draft, "/evaluation")
    improved, second, final, score = None, None, draft, first.score
    if first.score < GOOD_ENOUGH:
        review = contract.Review(**first.model_dump(exclude={"score"}))
        weak = contract.ImproveInput(input=topic, content=draft, review=review)
        improved = await run.step(IMPROVE, weak, into="/improvedContent")
        done.append("improve")
        second = await evaluate(improved, "/improvedEvaluation")
        if is_better(second, first):
            final, score = improved, second.score
    return contract.SequentialProcessingResult(
        original_content=draft,
        evaluation=first,
        improved_content=improved,
        improved_evaluation=second,
        final_content=final,
        final_score=score,
        processing_steps=tuple(done),
    )


PATTERN = Pattern(
    name="sequential-processing",
    summary="Draft a text, evaluate it, improve it where the score is below 7, and keep the better one.",
    run=sequential_processing,
    request=contract.SequentialProcessingRequest,
    result=contract.SequentialProcessingResult,
    steps=(DRAFT, EVALUATE, IMPROVE),
    example=contract.SequentialProcessingRequest(input="A solar lantern for campers that charges in two hours"),
)
