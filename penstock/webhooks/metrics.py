"""What is counted of webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter

from penstock.jetstream.settling import GivenUp, Later


class WebhookMetrics:
    """Of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tries = Counter(
            "penstock_webhook_tries",
            "Tries to deliver a webhook, by what came of it: delivered, later (tried again), given_up.",
            ("result",),
            registry=registry,
        )
        for result in ("delivered", "later", "given_up"):
            self._tries.labels(result)  # from 0: the first that is given up is an increase, too

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """Around one try."""
        try:
            yield
        except (Later, GivenUp) as error:
            self._tries.labels("later" if isinstance(error, Later) else "given_up").inc()
            raise
        self._tries.labels("delivered").inc()
