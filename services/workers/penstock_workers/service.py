"""The workers: execute every step but `classify`. Any number of replicas, for all steps or for some."""

from collections.abc import Iterable
from functools import partial

from penstock.hosting import server
from penstock.hosting.service import Service
from penstock.settings import Settings
from penstock.steps.service import build_step_service
from penstock.tools import TOOLS
from penstock.tools.sandbox import Sandbox
from penstock_workers.think import think_executable
from penstock_workers.tools import tool_executable


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    """`steps`: serve only these. Steps that are neither `think` nor a tool are done by their prompt alone."""
    sandbox = Sandbox()
    tools = {tool.step.name: partial(tool_executable, sandbox, tool) for tool in TOOLS.values()}
    service = build_step_service("workers", settings, special={"think": think_executable, **tools}, only=steps)
    service.app.on_shutdown(sandbox.aclose)
    return service


def serve(settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve workers`."""
    server.serve(lambda: build(settings, steps).app, settings, "workers")
