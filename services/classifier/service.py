"""The classifier: executes `classify`. Any number of replicas."""

from penstock.execution.service import build_step_service
from penstock.service import Service
from penstock.settings import Settings


def build(settings: Settings) -> Service:
    return build_step_service("classifier", settings)
