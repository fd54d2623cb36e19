"""The steps, and what is checked of their outputs."""

from penstock.contracts.step import Step
from penstock.patterns.parallel_processing import contract
from penstock.patterns.parallel_processing.actions import unfit_actions
from penstock.patterns.parallel_processing.places import misplaced

REVIEW_SECURITY = Step(
    name="review-security",
    input=contract.ReviewInput,
    output=contract.SecurityFindings,
    thinking="high",
    check=misplaced,
)
REVIEW_PERFORMANCE = Step(
    name="review-performance", input=contract.ReviewInput, output=contract.PerformanceFindings, check=misplaced
)
REVIEW_MAINTAINABILITY = Step(
    name="review-maintainability", input=contract.ReviewInput, output=contract.MaintainabilityFindings, check=misplaced
)
SYNTHESIZE = Step(
    name="synthesize",
    input=contract.SynthesizeInput,
    output=contract.Synthesis,
    complexity="complex",
    check=unfit_actions,
)
