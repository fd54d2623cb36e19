"""What is counted and timed of steps."""

import time
from functools import cache
from types import TracebackType
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from penstock.errors import Failure, Transient
from penstock.hosting.metrics import LONG, SHORT
from penstock.jetstream.settling import Later

Found = Literal["hit", "miss", "wait", "left_out"]


class StepMetrics:
    """Of one process. There are as many series as there are kinds of steps, however many are executed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        of_step: dict[str, Any] = {"labelnames": ("pattern", "step"), "registry": registry}
        self._queue_wait = Histogram(
            "penstock_step_queue_wait_seconds",
            "From a step's dispatch until a worker takes it for the first time.",
            **of_step,
            buckets=(*SHORT, 10.0, 60.0, 600.0),
        )
        self._first = Histogram(
            "penstock_step_first_token_seconds",
            "From the begin of an attempt to the first piece of its output.",
            **of_step,
            buckets=LONG,
        )
        self._duration = Histogram(
            "penstock_step_duration_seconds",
            "Attempts that ended their step, from their begin.",
            **of_step,
            buckets=LONG,
        )
        self._resets = Counter(
            "penstock_step_resets", "Times that readers were told that what a step wrote is void.", **of_step
        )
        self._attempts = Counter(
            "penstock_step_attempts",
            "Attempts, by their end: completed, failed, retried, or cut_off (cancelled, not the first, handed back).",
            ("pattern", "step", "end"),
            registry=registry,
        )
        self._errors = Counter(
            "penstock_step_errors",
            "Attempts that failed or are retried, by the code (docs/errors.md).",
            ("pattern", "step", "code"),
            registry=registry,
        )
        self._cache = Counter(
            "penstock_model_cache_questions",
            "Questions to a model: answered by a reply that was kept (hit) or not (miss); those that waited for "
            "another one's answer (wait), or did without the cache, since NATS did not answer (left_out).",
            ("pattern", "step", "result"),
            registry=registry,
        )
        self._kind = cache(self._kind_of)

    def attempt(self, pattern: str, step: str) -> "AttemptMetrics":
        """Use as `with`, around one attempt."""
        return AttemptMetrics(self._kind(pattern, step))

    def waited(self, pattern: str, step: str, seconds: float) -> None:
        """The step was in its queue for so long."""
        self._kind(pattern, step).queue_wait.observe(max(0.0, seconds))

    def _kind_of(self, pattern: str, step: str) -> "_Kind":
        return _Kind(self, pattern, step)


class _Kind:
    """The series of one kind of step, looked up once."""

    def __init__(self, of: StepMetrics, pattern: str, step: str) -> None:
        self.queue_wait = of._queue_wait.labels(pattern, step)
        self.first, self.duration = of._first.labels(pattern, step), of._duration.labels(pattern, step)
        self.resets = of._resets.labels(pattern, step)
        self.ends = {
            end: of._attempts.labels(pattern, step, end) for end in ("completed", "failed", "retried", "cut_off")
        }
        self.error = cache(lambda code: of._errors.labels(pattern, step, code))
        self.cache = cache(lambda result: of._cache.labels(pattern, step, result))


class AttemptMetrics:
    """One attempt. It counts from `begun` on, or where it has written its step's outcome."""

    def __init__(self, kind: _Kind) -> None:
        self._kind = kind
        self._began, self._silent = 0.0, True
        self._end, self._code = "cut_off", ""

    def begun(self) -> None:
        self._began = time.perf_counter()

    def piece(self) -> None:
        """Of its output."""
        if self._silent:
            self._silent = False
            self._kind.first.observe(time.perf_counter() - self._began)

    def reset(self) -> None:
        self._kind.resets.inc()

    def cached(self, result: Found) -> None:
        self._kind.cache(result).inc()

    def ended_step(self, failure: Failure | None) -> None:
        """It has written the step's outcome."""
        self._end, self._code = ("failed", failure.code) if failure else ("completed", "")
        if self._began:
            self._kind.duration.observe(time.perf_counter() - self._began)

    def __enter__(self) -> "AttemptMetrics":
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, Later) and isinstance(error.__cause__, Transient):
            self._end, self._code = "retried", error.__cause__.code
        if self._began or self._end != "cut_off":
            self._kind.ends[self._end].inc()
        if self._code:
            self._kind.error(self._code).inc()
