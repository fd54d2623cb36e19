"""What is counted and timed of jobs."""

from collections.abc import Collection
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from penstock.contracts.journal import JobEnd, JobStart
from penstock.hosting.metrics import LONG


class JobMetrics:
    """Of one process. `patterns`: those with series of their own; anything may be published as a job."""

    def __init__(self, registry: CollectorRegistry, patterns: Collection[str]) -> None:
        self._patterns = patterns
        self._jobs = Counter(
            "penstock_jobs",
            "Jobs, by their end: completed, failed or cancelled.",
            ("pattern", "end"),
            registry=registry,
        )
        self._failures = Counter(
            "penstock_job_failures",
            "Jobs that failed, by the code (docs/errors.md).",
            ("pattern", "code"),
            registry=registry,
        )
        of_pattern: dict[str, Any] = {"labelnames": ("pattern",), "registry": registry}
        self._duration = Histogram(
            "penstock_job_duration_seconds",
            "From a job's submission to its end.",
            **of_pattern,
            buckets=(*LONG, 21_600.0),
        )
        for pattern in patterns:
            for end in ("completed", "failed", "cancelled"):
                self._jobs.labels(pattern, end)  # from 0: the first that fails is an increase, too

    def ended(self, pattern: str, start: JobStart, end: JobEnd) -> None:
        """To be called once all that is to be done at a job's end is done; a job may be counted again after a crash."""
        name = pattern if pattern in self._patterns else "unknown"
        self._jobs.labels(name, end.status).inc()
        self._duration.labels(name).observe(max(0.0, end.ended_at - start.accepted_at))
        if end.problem is not None:
            self._failures.labels(name, end.problem.code).inc()
