"""The classifier: executes `classify`. Any number of replicas."""

from collections.abc import Iterable

from penstock.hosting.service import Service
from penstock.settings import Settings
from penstock.steps import service


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    """`steps`: serve only these."""
    return service.build("classifier", settings, steps)


def serve(settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve classifier`."""
    service.serve("classifier", settings, steps)
