"""The workers: execute every step but `classify`. Any number of replicas, for all steps or for some."""

from collections.abc import Iterable, Mapping

from penstock.execution.executor import MakeExecutor
from penstock.execution.service import build_step_service
from penstock.service import Service
from penstock.settings import Settings

#: Steps that a prompt alone does not do.
SPECIAL: Mapping[str, MakeExecutor] = {}


def build(settings: Settings, steps: Iterable[str] | None = None) -> Service:
    return build_step_service("workers", settings, special=SPECIAL, only=steps)
