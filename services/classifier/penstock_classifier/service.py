"""The classifier: executes `classify`. Any number of replicas."""

from collections.abc import Iterable

from penstock.hosting import server
from penstock.hosting.service import Service
from penstock.settings import Settings
from penstock.steps.service import build_step_service


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    return build_step_service("classifier", settings, only=steps)


def serve(settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve classifier`."""
    server.serve(lambda: build(settings, steps).app, settings, "classifier")
