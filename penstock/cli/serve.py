"""What a deployment runs, once the streams are declared: each service as `penstock serve`."""

import inspect
from functools import partial
from importlib.metadata import entry_points
from typing import Annotated

import typer

from penstock.cli.errors import BadInput
from penstock.cli.own_settings import settings_with
from penstock.patterns.loading import load, steps_by_service


def serve(
    service: Annotated[
        str, typer.Argument(help="gateway, aggregator, classifier, workers, or one that a pattern names.")
    ],
    steps: Annotated[
        str | None,
        typer.Option(help="Only these steps, separated by commas: pattern/step, or step for that of any pattern."),
    ] = None,
) -> None:
    """Run one service until SIGTERM. PENSTOCK_NATS_URL names its NATS.

    docs/settings.md lists its other settings.
    A pattern names services of its own by Step(service=...); a package adds others as entry points of the group
    penstock.services.
    """
    settings = settings_with(None)
    # name -> a function of Settings, and of `steps` if it executes some
    found = {entry.name: entry for entry in entry_points(group="penstock.services")}
    if service in found:
        run = found[service].load()
    else:
        named = steps_by_service(load(settings.patterns)).keys()
        if service not in named:
            raise BadInput(f"there is no service {service!r}; there are {', '.join(sorted(found.keys() | named))}")
        from penstock.steps.service import serve as serve_steps  # takes a while to import

        run = partial(serve_steps, service)
    if steps is None:
        run(settings)
    elif "steps" in inspect.signature(run).parameters:
        run(settings, [step.strip() for step in steps.split(",") if step.strip()])
    else:
        raise BadInput(f"--steps: the {service} executes no steps")
