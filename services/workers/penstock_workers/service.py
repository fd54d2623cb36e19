"""The workers: execute every step but `classify`. Any number of replicas, for all steps or for some."""

from collections.abc import Iterable

from penstock.hosting import server
from penstock.hosting.service import Service
from penstock.settings import Settings
from penstock.steps.service import build_step_service
from penstock.tools.sandbox import Sandbox
from penstock_workers.think import think_executable
from penstock_workers.tools import tool_executors


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    """`steps`: serve only these. Steps that are in neither table below are done by their prompt alone."""
    sandbox = Sandbox()
    special = {"think": think_executable, **tool_executors(sandbox)}
    service = build_step_service("workers", settings, special=special, only=steps)
    service.app.on_shutdown(sandbox.aclose)
    return service


def serve(settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve workers`."""
    server.serve(lambda: build(settings, steps).app, settings, "workers")
