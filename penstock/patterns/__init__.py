"""The table of patterns. A new one is a line here, or a name in `PENSTOCK_PATTERNS` (see docs/your-own-pattern.md)."""

from typing import Any

from penstock.pattern import Pattern
from penstock.patterns.evaluator_optimizer import pattern as evaluator_optimizer
from penstock.patterns.multi_step_tool_usage import pattern as multi_step_tool_usage
from penstock.patterns.orchestrator_worker import pattern as orchestrator_worker
from penstock.patterns.parallel_processing import pattern as parallel_processing
from penstock.patterns.routing import pattern as routing
from penstock.patterns.sequential_processing import pattern as sequential_processing

AnyPattern = Pattern[Any, Any]
PATTERNS: tuple[AnyPattern, ...] = (
    sequential_processing.PATTERN,
    routing.PATTERN,
    parallel_processing.PATTERN,
    orchestrator_worker.PATTERN,
    evaluator_optimizer.PATTERN,
    multi_step_tool_usage.PATTERN,
)
