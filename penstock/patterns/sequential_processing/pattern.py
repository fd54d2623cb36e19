"""Sequential processing: a draft, a critical look, a second draft only where the first is weak.

input ──▶ DRAFT ──▶ EVALUATE ──▶ score < 7? ──yes──▶ IMPROVE ──▶ EVALUATE ──▶ result
                                     └──────────no──────────────────────────────▲
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.sequential_processing.contract import (
    DRAFT,
    EVALUATE,
    IMPROVE,
    DraftInput,
    EvaluateInput,
    ImproveInput,
    SequentialProcessingRequest,
    SequentialProcessingResult,
)

GOOD_ENOUGH = 7.0


async def sequential_processing(run: Run, request: SequentialProcessingRequest) -> SequentialProcessingResult:
    topic = request.input
    draft = await run.step(DRAFT, DraftInput(input=topic), into="/originalContent")
    evaluation = await run.step(EVALUATE, EvaluateInput(input=topic, content=draft), into="/evaluation")
    done = ["draft", f"evaluate: {evaluation.score:g}/10"]
    if evaluation.score >= GOOD_ENOUGH:
        return SequentialProcessingResult(
            original_content=draft,
            evaluation=evaluation,
            final_score=evaluation.score,
            processing_steps=tuple(done),
        )

    improved = await run.step(
        IMPROVE, ImproveInput(input=topic, content=draft, evaluation=evaluation), into="/improvedContent"
    )
    verdict = await run.step(EVALUATE, EvaluateInput(input=topic, content=improved, improved=True))
    return SequentialProcessingResult(
        original_content=draft,
        evaluation=evaluation,
        improved_content=improved,
        final_score=verdict.score,
        processing_steps=(*done, "improve", f"evaluate: {verdict.score:g}/10"),
    )


PATTERN = Pattern(
    name="sequential-processing",
    summary="Draft a text, evaluate it, and improve it where the score is below 7.",
    run=sequential_processing,
    request=SequentialProcessingRequest,
    result=SequentialProcessingResult,
    steps=(DRAFT, EVALUATE, IMPROVE),
    example=SequentialProcessingRequest(input="A solar lantern for campers that charges in two hours"),
)
