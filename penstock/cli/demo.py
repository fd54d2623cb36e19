"""`penstock demo`: bring everything up, run every pattern, check each result, leave nothing running."""

import asyncio
import contextlib
import json
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from penstock.cli import view, watching
from penstock.cli.failing import BadInput, failing
from penstock.cli.growth_log import GrowthLog
from penstock.cli.progress import Progress
from penstock.client import Client, HttpClient, describe
from penstock.contracts.job import Snapshot
from penstock.contracts.usage import Usage
from penstock.document import Document, Shape
from penstock.local.stack import Plan, Stack
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings


@dataclass
class Shown:
    """A pattern that was run, and what is wrong with what it gave: nothing, if all is well."""

    progress: Progress
    wrong: list[str] = field(default_factory=list)


@failing
def demo(
    only: Annotated[list[str] | None, typer.Option(help="Run this pattern only; may be given again.")] = None,
    pace: Annotated[str, typer.Option(help="The simulator's pace: natural, slow or off.")] = "natural",
) -> None:
    """Bring everything up on free ports, run every pattern, show how each result grows, and check it.

    Without GEMINI_API_KEY the answers are simulated, and say so. Exit status 0 only if each result is
    valid against its pattern's model and equal to what was streamed. Nothing is left running.
    """
    patterns = load(Settings().patterns)
    unknown = [name for name in only or () if name not in patterns]
    if unknown:
        raise BadInput(f"--only {unknown[0]}: there are {', '.join(patterns)}")
    chosen = [pattern for name, pattern in patterns.items() if not only or name in only]
    console = Console()
    if not console.is_terminal:
        console.width = 120
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as folder:
        plan = Plan(data=Path(folder), port=0, pace=pace)
        shown = asyncio.run(_demo(plan, chosen, console))
    console.print(_summary(shown))
    if any(one.wrong for one in shown):
        raise typer.Exit(1)


async def _demo(plan: Plan, patterns: list[Pattern[Any, Any]], console: Console) -> list[Shown]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console.print("starting NATS, the services and what they need …", style="dim")
    async with Stack(plan) as stack, HttpClient(stack.gateway_urls[0]) as client:
        if stack.simulator_url:
            console.print(
                "[yellow]Answers are simulated[/] (no GEMINI_API_KEY): they name your subject, but no model wrote them"
            )
        return [await _show(client, pattern, console) for pattern in patterns]


async def _show(client: Client, pattern: Pattern[Any, Any], console: Console) -> Shown:
    console.print()
    console.rule(f"[bold]{pattern.name}[/]", align="left")
    console.print(pattern.summary, style="dim")
    shown = Shown(Progress(pattern.name))
    clock = asyncio.get_running_loop()
    start = clock.time()
    streamed = Document()
    text = watching.JsonText(Shape.of(pattern.result))
    written: list[str] = []
    try:
        events = client.stream(pattern, pattern.example)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(events)
            log = None
            if console.is_terminal:
                names = Shape.of(pattern.result).names
                picture = watching.pictures(console, lambda: view.live(shown.progress, clock.time() - start, names))
                await stack.enter_async_context(picture)
            else:
                log = GrowthLog(console)
            async for event in events:
                at = clock.time() - start
                shown.progress.apply(event, at)
                written.append(text.feed(event))
                if not isinstance(event, Snapshot) and event.type != "job.completed":
                    streamed.apply(event)
                if log:
                    log.add(event, at)
    except Exception as error:
        shown.wrong.append(f"{type(error).__name__}: {error}")
    if console.is_terminal:
        console.print(view.whole(shown.progress, Shape.of(pattern.result).names))
    shown.wrong += _wrong(shown.progress, pattern, streamed, "".join(written)) if not shown.wrong else ()
    for complaint in shown.wrong:
        console.print(f"not valid: {complaint}", style="red", markup=False)
    return shown


def _wrong(progress: Progress, pattern: Pattern[Any, Any], streamed: Document, text: str) -> Iterator[str]:
    """What is wrong with a job's result, and with how it was streamed."""
    if progress.status != "completed":
        yield describe(progress.problem) if progress.problem else f"the job is {progress.status}"
        return
    try:
        pattern.result.model_validate(progress.value)
    except ValidationError as error:
        yield f"the result does not fit {pattern.result.__name__}: {error.errors()[0]}"
    if json.loads(text) != progress.value:
        yield "the text that was streamed is not the result"
    if streamed.value != progress.value:
        yield "the parts that were streamed do not make up the result"
    if not any(row.characters for row in progress.steps.values()):
        yield "nothing was streamed before the end"


def _summary(all_shown: list[Shown]) -> Table:
    table = Table(title="\nwhat ran", title_justify="left", title_style="bold", header_style="dim", box=None)
    table.add_column("pattern", no_wrap=True)
    table.add_column("steps", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    for heading in ("tokens in", "out", "first token", "total"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for shown in all_shown:
        progress = shown.progress
        usage = progress.usage or Usage()
        models = sorted({row.model for row in progress.steps.values() if row.model})
        table.add_row(
            progress.pattern,
            str(len(progress.steps)),
            "\n".join(models),
            str(usage.prompt_tokens),
            str(usage.output_tokens + usage.thinking_tokens),
            "" if progress.first is None else f"{progress.first:.2f} s",
            "" if progress.took is None else f"{progress.took:.2f} s",
            "[red]not valid[/]" if shown.wrong else "[green]ok[/]",
        )
    return table
