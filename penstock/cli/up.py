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
from penstock.cli.printing import echo, say
from penstock.errors import PenstockError
from penstock.hosting import logs
from penstock.local.processes import metrics_url
from penstock.local.stack import PENSTOCK, Pace, Stack
from penstock.printable import without_credentials
from penstock.settings import Settings

_port = partial(typer.Option, min=0, max=65_535)
_RELOAD = "Watch the files of your patterns, and start the services anew when one changes; running jobs go on."
_DATA = "Folder for NATS's data, logs, processes.json and prometheus.json."
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
    reload: Annotated[bool, typer.Option("--reload", metavar="", help=_RELOAD)] = False,
) -> None:
    """Start NATS (or use that of --nats-url), the simulator (unless a model is set up) and all services.

    Ctrl-C ends them. A process that dies is started again. Patterns of your own are found in ./patterns, or where
    pyproject.toml says; what they and their functions raise is shown here.
    The addresses of the metrics are printed, and in processes.json; prometheus.json has them for Prometheus.
    Without GEMINI_API_KEY the answers come from an offline simulator, and say so.
    """
    os.environ.setdefault("PENSTOCK_SHOW_ERRORS", "true")  # who calls it here is the author
    os.environ.setdefault("PENSTOCK_LOG_CONTENTS", "true")  # who reads the logs, too
    given = locals() | {"data": data.resolve(), "nats_url": nats_url or ""}
    del given["reload"]
    logs.configure(Settings(log_json=False), "up")
    asyncio.run(_up(Stack(**given), reload=reload))


async def _up(stack: Stack, *, reload: bool) -> None:
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
            addresses = [f"{shown} ({one.name})" for one in stack.processes if (shown := metrics_url(one))]
            echo(f"metrics {', '.join(addresses)}")
            _say_own(stack)
            if Settings().console:
                echo(f"console {stack.gateway_urls[0]}/ (open it in a browser)")
            async with asyncio.TaskGroup() as telling:
                telling.create_task(_tell_tracebacks(stack))
                if reload:
                    telling.create_task(_reload_at_changes(stack))
                await asyncio.Event().wait()  # the system goes on whatever becomes of those
    echo("stopped")


def _say_own(stack: Stack) -> None:
    for name, file in stack.own.items():
        package = Path(file).name == "__init__.py"
        echo(f"pattern {name} of {_shown(Path(file).parent if package else Path(file))}")


def _shown(file: Path) -> str:
    """From the current folder, where it lies beneath."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


async def _tell_tracebacks(stack: Stack) -> None:
    from penstock.local.tracebacks import Tracebacks  # only `penstock[all]` brings what it needs

    try:
        async for text in Tracebacks(stack.data / "logs"):
            say(text, prefix="")
    except (OSError, RuntimeError) as error:  # the system has no watches left, say
        say(f"what your code raises is not shown here, but in {stack.data / 'logs'}: {error}", colour="yellow")


async def _reload_at_changes(stack: Stack) -> None:
    from watchfiles import awatch  # as above

    try:
        while watched := _watched(stack):
            async for changes in awatch(*watched):
                for file in sorted({Path(file) for _, file in changes}):
                    echo(f"{_shown(file)} has changed")
                await _reload(stack)
                if _watched(stack) != watched:
                    break
        say("--reload: there are no patterns of your own to watch", colour="yellow")
    except (OSError, RuntimeError) as error:
        say(f"--reload: changes are not seen: {error}", colour="yellow")


def _watched(stack: Stack) -> set[Path]:
    folders = {Path(name).resolve() for name in Settings().patterns if "/" in name}
    beside = {Path(file).parent for file in stack.own.values()}
    return {one for one in folders | beside if one.is_dir()}


async def _reload(stack: Stack) -> None:
    """What is wrong is told; what can be started is, all the same."""
    try:
        await stack.reload()
    except PenstockError as error:
        said, *log = str(error).splitlines()
        say("\n".join((said, *log[-1:], "the services go on with what was there before")), prefix="")
        if not log:  # the file and line are said
            return
    else:
        echo("reloaded")
        _say_own(stack)
    checking = await asyncio.create_subprocess_exec(*PENSTOCK, "check")
    try:
        await checking.wait()
    finally:
        if checking.returncode is None:
            checking.kill()
            await checking.wait()
