"""Following a job to its end, in the format asked for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from enum import StrEnum

import typer
from rich.console import Console
from rich.live import Live

from penstock.cancelling import stop
from penstock.cli import view
from penstock.cli.log import Log
from penstock.cli.printing import say, write
from penstock.cli.progress import Progress
from penstock.client import JobEvents
from penstock.client.job_events import raise_unless_completed
from penstock.contracts.events import Event, JobCompleted, JobFailed, StepQueued
from penstock.contracts.job import Snapshot
from penstock.document import LinearJSON, Shape

#: Seconds between two pictures of the live view.
_REFRESH = 0.1


class Format(StrEnum):
    view = "view"
    json = "json"
    events = "events"
    log = "log"


FORMAT = typer.Option(
    help="view: for people. json: the result, as it is written. events: JSON, one a line. log: lines with times. "
    "Default: view in a terminal, else json."
)


async def to_end(events: JobEvents, progress: Progress, format: Format | None) -> None:
    """Show a job, and exit with its status: 0 only if it completed. Ctrl-C ends this, not the job."""
    format = format or (Format.view if sys.stdout.isatty() else Format.json)
    job = progress.job
    try:
        shown = [event async for event in show(events, progress, format)]
    except asyncio.CancelledError:
        ways = f"`penstock jobs follow {job}` shows it, `penstock jobs cancel {job}` ends it"
        say(f"job {job} continues: {ways}", prefix="")
        raise
    if isinstance(shown[-1], JobFailed) and format is Format.view:  # the view has the problem
        raise typer.Exit(1)
    raise_unless_completed(job, shown[-1])


async def show(events: JobEvents, progress: Progress, format: Format) -> AsyncIterator[Event | Snapshot]:
    """Show a job until it ends. Its events, each added to `progress` and shown before it is yielded."""
    console = Console()
    text = JsonText(progress.shape)
    log = Log(console, progress)
    drawing = [asyncio.create_task(_draw(console, progress))] if format is Format.view else []
    try:
        async with events:
            async for event in events:
                progress.apply(event)
                if isinstance(event, StepQueued) and format is Format.json:
                    say(f"{event.key}: {progress.why_queued(event)}", prefix="", colour=None)
                if format is Format.log:
                    log.add(event)
                elif format is not Format.view:
                    write(text.feed(event) if format is Format.json else event.model_dump_json() + "\n")
                yield event
    finally:
        await stop(*drawing)
    if drawing:
        console.print(view.complete(progress))


class JsonText:
    """The result as one JSON text, each piece as early as it can be."""

    def __init__(self, shape: Shape) -> None:
        self._linear = LinearJSON(shape)
        self._skipping = False

    def feed(self, event: Event | Snapshot) -> str:
        """What can be printed now. Raises Diverged: a retry contradicts what is already printed."""
        if isinstance(event, JobCompleted):
            return self._linear.feed(event) + "\n"
        # what follows a snapshot was partly seen before; the end completes the text
        self._skipping = self._skipping or isinstance(event, Snapshot)
        return "" if self._skipping or isinstance(event, Snapshot) else self._linear.feed(event)


async def _draw(console: Console, progress: Progress) -> None:
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as screen:
        while True:
            screen.update(view.live(progress, console), refresh=True)
            await asyncio.sleep(_REFRESH)
