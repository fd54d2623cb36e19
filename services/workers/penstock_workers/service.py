"""The workers: execute every step but `classify`. Any number of replicas, for all steps or for some."""

from collections.abc import Iterable

from penstock.hosting.service import Service
from penstock.settings import Settings
from penstock.steps import service


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    """`steps`: serve only these."""
    return service.build("workers", settings, steps)


def serve(settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve workers`."""
    service.serve("workers", settings, steps)
