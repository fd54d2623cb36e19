"""The table of patterns. A new one is a line here, or a name in `PENSTOCK_PATTERNS` (see docs/your-own-pattern.md)."""

from typing import Any

from penstock.pattern import Pattern
from penstock.patterns import (
    evaluator_optimizer,
    multi_step_tool_usage,
    orchestrator_worker,
    parallel_processing,
    routing,
    sequential_processing,
)

AnyPattern = Pattern[Any, Any]
PATTERNS: tuple[AnyPattern, ...] = (
    sequential_processing.PATTERN,
    routing.PATTERN,
    parallel_processing.PATTERN,
    orchestrator_worker.PATTERN,
    evaluator_optimizer.PATTERN,
    multi_step_tool_usage.PATTERN,
)
