"""`penstock up`: the whole system on this machine."""

import asyncio
import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.connecting import NatsUrl
from penstock.cli.printing import echo
from penstock.hosting import logs
from penstock.local.stack import Pace, Stack
from penstock.printable import without_credentials
from penstock.settings import Settings

_port = partial(typer.Option, min=0, max=65_535)
_DATA = "Folder for NATS's data, logs and processes.json."
PaceOption = Annotated[Pace, typer.Option(help="How fast the simulator answers.")]


def up(
    host: Annotated[str, typer.Option(help="Address the gateways listen on.", envvar="PENSTOCK_HOST")] = "127.0.0.1",
    port: Annotated[int, _port(help="Port of the first gateway; 0 takes free ones.", envvar="PENSTOCK_PORT")] = 8080,
    gateways: Annotated[int, typer.Option(min=1, max=64, help="Gateway processes, on ports in a row.")] = 1,
    aggregators: Annotated[int, typer.Option(min=1, max=64, help="Aggregator processes.")] = 1,
    classifiers: Annotated[int, typer.Option(min=1, max=64, help="Classifier processes.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    steps: Annotated[str | None, typer.Option(help="Steps the workers serve, separated by commas.")] = None,
    data: Annotated[Path, typer.Option(help=_DATA, envvar="PENSTOCK_DATA")] = Path("data"),
    nats_url: NatsUrl = None,
    nats_port: Annotated[int, _port(help="Without --nats-url: port of the embedded NATS, if it is free.")] = 4222,
    pace: PaceOption = "natural",
) -> None:
    """Start NATS (or use that of --nats-url), the simulator (unless a model is set up) and all services.

    Ctrl-C ends them. A process that dies is started again.
    Without GEMINI_API_KEY the answers come from an offline simulator, and say so.
    """
    os.environ.setdefault("PENSTOCK_SHOW_ERRORS", "true")  # who calls it here is the author
    stack = Stack(**locals() | {"data": data.resolve(), "nats_url": nats_url or ""})
    logs.configure(Settings(log_json=False), "up")
    asyncio.run(_up(stack))


async def _up(stack: Stack) -> None:
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        if task.cancelling():
            echo("killing")
            for process in stack.processes:
                process.kill()
        else:
            echo("stopping (Ctrl-C again: kill)")
            task.cancel()

    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sig, end)
    with suppress(asyncio.CancelledError):
        async with stack:
            echo(f"nats ready {without_credentials(stack.nats_url)}")
            if stack.simulator_url:
                at = without_credentials(stack.simulator_url)
                echo(f"simulator ready {at} (no GEMINI_API_KEY: answers are simulated)")
            for url in stack.gateway_urls:
                echo(f"gateway ready {url}")
            await asyncio.Event().wait()
    echo("stopped")
