"""What a replica's model calls have cost, as /metrics shows it."""

from prometheus_client import CollectorRegistry, Counter

from penstock.contracts.usage import Usage


class Spending:
    """Of every attempt, however it ended: what a cancel or another attempt's outcome cut off is in no job's usage."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = "pattern", "step", "model"
        self._calls = Counter("penstock_model_calls", "Model calls that were answered.", labels, registry=registry)
        self._tokens = Counter(
            "penstock_model_tokens",
            "Tokens as the model reported them: prompt (cached ones included), output, thinking.",
            (*labels, "kind"),
            registry=registry,
        )
        self._cost = Counter("penstock_model_cost_usd", "US dollars at list price.", labels, registry=registry)

    def add(self, pattern: str, step: str, model: str, usage: Usage) -> None:
        self._calls.labels(pattern, step, model).inc(usage.calls)
        self._cost.labels(pattern, step, model).inc(usage.cost_usd or 0)
        for kind in ("prompt", "output", "thinking"):
            self._tokens.labels(pattern, step, model, kind).inc(getattr(usage, f"{kind}_tokens"))
