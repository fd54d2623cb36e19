"""The workers: execute every step but `classify`. Any number of replicas, for all steps or for some."""

from collections.abc import Iterable

from penstock.execution.service import build_step_service
from penstock.service import Service
from penstock.settings import Settings
from penstock.tools.sandbox import Sandbox
from services.workers.think import think_executable
from services.workers.tools import tool_executors


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    """`steps`: serve only these. Steps that are in neither table below are done by their prompt alone."""
    sandbox = Sandbox()
    special = {"think": think_executable, **tool_executors(sandbox)}
    service = build_step_service("workers", settings, special=special, only=steps)
    service.on_stop(sandbox.aclose)
    return service
