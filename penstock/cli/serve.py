"""`penstock serve`: one service in this process, as a deployment runs it."""

import inspect
from importlib.metadata import entry_points
from typing import Annotated

import typer

from penstock.cli.errors import BadInput
from penstock.settings import Settings

#: Where packages say which services they bring: name -> a function of Settings, and of `steps` if it executes some.
GROUP = "penstock.services"


def serve(
    service: Annotated[str, typer.Argument(help="gateway, aggregator, classifier, workers, or one of your own.")],
    steps: Annotated[str | None, typer.Option(help="Serve only these steps, separated by commas.")] = None,
) -> None:
    """Run one service until SIGTERM. PENSTOCK_NATS_URL names its NATS.

    docs/settings.md lists its other settings.
    A package adds services of its own as entry points of the group penstock.services.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if service not in found:
        raise BadInput(f"there is no service {service!r}; there are {', '.join(sorted(found))}")
    run = found[service].load()
    if steps is None:
        run(Settings())
    elif "steps" in inspect.signature(run).parameters:
        run(Settings(), [step.strip() for step in steps.split(",") if step.strip()])
    else:
        raise BadInput(f"--steps: the {service} executes no steps")
