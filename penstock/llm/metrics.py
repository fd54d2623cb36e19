"""What is counted and timed of model calls."""

import time
from functools import cache
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from penstock.contracts.usage import Paid
from penstock.errors import Failure, RateLimited, Transient

#: Models with series of their own: a model is called what the other side says.
_MOST = 50
_OTHERS = "others"
_SECONDS = 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0


class ModelMetrics:
    """Of one process. A model is called as it was asked for; where it has answered, as it calls itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = "pattern", "step", "model", "use"
        self._calls = Counter("penstock_model_calls", "Model calls that were answered.", labels, registry=registry)
        self._tokens = Counter(
            "penstock_model_tokens",
            "Tokens as the model reported them: prompt (cached ones included), output, thinking. "
            "Their use: kept, or wasted where the attempt failed, was cut off or was not the first.",
            (*labels, "kind"),
            registry=registry,
        )
        self._cost = Counter(
            "penstock_model_cost_usd", "US dollars at list price, where one is known.", labels, registry=registry
        )
        of_model: dict[str, Any] = {"labelnames": ("model",), "registry": registry}
        self._waits = Histogram("penstock_model_wait_seconds", "Waits of calls for a limited model.", **of_model)
        self._waiting = Gauge("penstock_model_waiting", "Calls that wait here for a limited model.", **of_model)
        of_model["buckets"] = _SECONDS
        self._durations = Histogram(
            "penstock_model_call_seconds", "Calls that were answered in full, from their turn to their end.", **of_model
        )
        self._first = Histogram(
            "penstock_model_first_token_seconds", "From a call's turn to its first piece.", **of_model
        )
        self._errors = Counter(
            "penstock_model_errors",
            "Calls that failed, by the code (docs/errors.md); rate_limited is an answer 429.",
            ("model", "code"),
            registry=registry,
        )
        self._names: set[str] = set()
        self._timed = cache(lambda name: (self._first.labels(name), self._durations.labels(name)))
        self._bill = cache(self._bill_of)

    def call(self, model: str) -> "CallMetrics":
        """Use as `with`, around one call."""
        name = self._named(model)
        return CallMetrics(*self._timed(name), self._errors, name)

    def waited(self, model: str, seconds: float) -> None:
        self._waits.labels(self._named(model)).observe(seconds)

    def waiting(self, model: str, calls: int) -> None:
        self._waiting.labels(self._named(model)).set(calls)

    def paid(self, pattern: str, step: str, paid: Paid, use: str) -> None:
        """What one attempt at a step cost."""
        for model, usage in paid.items():
            labels = pattern, step, self._named(model), use
            calls, prompt, output, thinking = self._bill(*labels)
            calls.inc(usage.calls)
            prompt.inc(usage.prompt_tokens)
            output.inc(usage.output_tokens)
            thinking.inc(usage.thinking_tokens)
            if usage.cost_usd is not None:  # what has no price is not free
                self._cost.labels(*labels).inc(usage.cost_usd)

    def _bill_of(self, *labels: str) -> tuple[Counter, ...]:
        """The series of one kind of use, looked up once."""
        tokens = (self._tokens.labels(*labels, kind) for kind in ("prompt", "output", "thinking"))
        return self._calls.labels(*labels), *tokens

    def _named(self, model: str) -> str:
        if model not in self._names:
            if len(self._names) >= _MOST:
                return _OTHERS
            self._names.add(model)
        return model


class CallMetrics:
    """One call: `piece` is to be called for each piece of its reply."""

    def __init__(self, first: Histogram, whole: Histogram, errors: Counter, model: str) -> None:
        self._first, self._whole, self._errors, self._model = first, whole, errors, model
        self._began, self._waits = 0.0, True

    def __enter__(self) -> "CallMetrics":
        self._began = time.perf_counter()
        return self

    def piece(self) -> None:
        if self._waits:
            self._waits = False
            self._first.observe(time.perf_counter() - self._began)

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is None:
            self._whole.observe(time.perf_counter() - self._began)
        elif isinstance(error, Failure | Transient):
            code = "rate_limited" if isinstance(error, RateLimited) else error.code
            self._errors.labels(self._model, code).inc()
