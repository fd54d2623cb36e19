"""Sequential processing: a draft, a critical look, a second draft only where the first is weak.

input ──▶ DRAFT ──▶ EVALUATE ──▶ score < 7? ──yes──▶ IMPROVE ──▶ EVALUATE ──▶ result
                                     └──────────no──────────────────────────────▲
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.sequential_processing import contract
from penstock.patterns.sequential_processing.contract import DRAFT, EVALUATE, IMPROVE

GOOD_ENOUGH = 7.0


async def sequential_processing(
    run: Run, request: contract.SequentialProcessingRequest
) -> contract.SequentialProcessingResult:
    topic, improved = request.input, None
    draft = await run.step(DRAFT, contract.DraftInput(input=topic), into="/originalContent")
    evaluation = await run.step(EVALUATE, contract.EvaluateInput(input=topic, content=draft), into="/evaluation")
    score, done = evaluation.score, ["draft", f"evaluate: {evaluation.score:g}/10"]
    if score < GOOD_ENOUGH:
        weak = contract.ImproveInput(input=topic, content=draft, evaluation=evaluation)
        improved = await run.step(IMPROVE, weak, into="/improvedContent")
        score = (await run.step(EVALUATE, contract.EvaluateInput(input=topic, content=improved, improved=True))).score
        done += ["improve", f"evaluate: {score:g}/10"]
    return contract.SequentialProcessingResult(
        original_content=draft,
        evaluation=evaluation,
        improved_content=improved,
        final_score=score,
        processing_steps=tuple(done),
    )


PATTERN = Pattern(
    name="sequential-processing",
    summary="Draft a text, evaluate it, and improve it where the score is below 7.",
    run=sequential_processing,
    request=contract.SequentialProcessingRequest,
    result=contract.SequentialProcessingResult,
    steps=(DRAFT, EVALUATE, IMPROVE),
    example=contract.SequentialProcessingRequest(input="A solar lantern for campers that charges in two hours"),
)
