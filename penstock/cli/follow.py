"""Watching a job to its end, in the format asked for."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Any

import typer
from rich.console import Console
from rich.live import Live

from penstock.cli import view
from penstock.cli.failing import say
from penstock.cli.progress import Progress
from penstock.client import ClientError, Following, describe
from penstock.contracts.events import JobCompleted
from penstock.contracts.job import Snapshot
from penstock.document import Diverged, LinearJSON, Shape
from penstock.pattern import Pattern

#: Seconds between two pictures.
_PICTURE = 0.1


class Format(StrEnum):
    view = "view"
    json = "json"
    events = "events"


class TakenBack(ClientError):
    """A retry contradicts what is already printed."""


def chosen(format: Format | None) -> Format:
    """What was asked for, else what suits standard output."""
    return format or (Format.view if sys.stdout.isatty() else Format.json)


async def watch(
    events: Following, progress: Progress, pattern: Pattern[Any, Any] | None, format: Format, *, began: float = 0.0
) -> None:
    """Show a job until it ends; `progress` is kept up to date. `began`: seconds since its submission."""
    clock = asyncio.get_running_loop()
    start = clock.time() - began

    def now() -> float:
        return clock.time() - start

    shape = Shape.of(pattern.result) if pattern else None
    async with events:
        if format is Format.view:
            console = Console()
            names = tuple(shape.names) if shape else ()
            async with pictures(console, lambda: view.live(progress, now(), names)):
                async for event in events:
                    progress.apply(event, now())
            console.print(view.whole(progress, names))
            return
        text = JsonText(shape)
        async for event in events:
            progress.apply(event, now())
            sys.stdout.write(text.feed(event) if format is Format.json else event.model_dump_json() + "\n")
            sys.stdout.flush()


class JsonText:
    """The result as one JSON text, as early as its pieces can stand; without a shape, at the end."""

    def __init__(self, shape: Shape | None) -> None:
        self._linear = LinearJSON(shape or Shape({"type": "object"}, {}))
        self._skipping = shape is None

    def feed(self, event: Any) -> str:
        """What can be printed now. Raises TakenBack."""
        if isinstance(event, Snapshot):
            self._skipping = True  # what follows was partly seen before; the end completes the text
        if isinstance(event, Snapshot) or (self._skipping and not isinstance(event, JobCompleted)):
            return ""
        try:
            text = self._linear.feed(event)
        except Diverged as error:
            raise TakenBack(f"the job was retried and contradicts what is printed above: {error}") from error
        return text + "\n" if isinstance(event, JobCompleted) else text


def finish(progress: Progress, format: Format) -> None:
    """Exit with the status of the job: 0 only if it completed."""
    if progress.status == "completed":
        return
    if progress.problem is not None:
        if format is not Format.view:
            say(f"job {progress.job} failed: {describe(progress.problem)}")
        for one in progress.problem.errors or ():
            say(f"  {one.pointer or 'the body'}: {one.detail}", prefix="")
    else:
        say(f"job {progress.job} was {progress.status}")
    raise typer.Exit(1)


def interrupted(job: str) -> None:
    """Ctrl-C ends the watching, not the job."""
    if job:
        say(
            f"job {job} goes on: `penstock jobs follow {job}` shows it, `penstock jobs cancel {job}` ends it", prefix=""
        )
    raise typer.Exit(130)


@asynccontextmanager
async def pictures(console: Console, picture: Callable[[], Any]) -> AsyncIterator[None]:
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as screen:

        async def draw() -> None:
            while True:
                screen.update(picture(), refresh=True)
                await asyncio.sleep(_PICTURE)

        drawing = asyncio.create_task(draw())
        try:
            yield
        finally:
            drawing.cancel()
            with suppress(asyncio.CancelledError):
                await drawing
