"""`penstock demo`: start everything, run every pattern, check each result, leave nothing running."""

import asyncio
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

from penstock.cli import follow
from penstock.cli.errors import BadInput
from penstock.cli.progress import Progress
from penstock.cli.up import PaceOption
from penstock.client import Client, HttpClient, describe
from penstock.contracts.events import Event, JobCompleted
from penstock.contracts.job import Snapshot
from penstock.contracts.usage import Usage
from penstock.document import Document, Shape
from penstock.local.stack import Plan, Stack
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings


@dataclass
class Shown:
    """A pattern that was run, and what is wrong with its result: nothing, if all is well."""

    progress: Progress
    wrong: list[str] = field(default_factory=list)


def demo(
    only: Annotated[list[str] | None, typer.Option(help="Run this pattern only; may be given again.")] = None,
    pace: PaceOption = "natural",
) -> None:
    """Start everything on free ports, run every pattern, and check each result.

    Without GEMINI_API_KEY the answers are simulated, and say so. Nothing is left running.
    Exit status 0 only if each result fits its pattern and is what was streamed.
    """
    patterns = load(Settings().patterns)
    unknown = [name for name in only or () if name not in patterns]
    if unknown:
        raise BadInput(f"--only {unknown[0]}: there is no such pattern; there are {', '.join(patterns)}")
    chosen = [pattern for name, pattern in patterns.items() if not only or name in only]
    console = Console()
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as folder:
        plan = Plan(data=Path(folder), port=0, pace=pace)
        shown = asyncio.run(_demo(plan, chosen, console))
    console.print("\n[bold]what ran[/]", _summary(shown), sep="\n")
    if any(one.wrong for one in shown):
        raise typer.Exit(1)


async def _demo(plan: Plan, patterns: list[Pattern[Any, Any]], console: Console) -> list[Shown]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console.print("starting NATS, the services and what they need …", style="dim")
    async with Stack(plan) as stack, HttpClient(stack.gateway_urls[0]) as client:
        if stack.simulator_url:
            console.print("[yellow]Answers are simulated[/] (no GEMINI_API_KEY): no model wrote them")
        return [await _show(client, pattern, console) for pattern in patterns]


async def _show(client: Client, pattern: Pattern[Any, Any], console: Console) -> Shown:
    console.print(f"\n[bold]{pattern.name}[/]\n[dim]{pattern.summary}[/]")
    shown = Shown(Progress(pattern.name))
    seen: list[Event | Snapshot] = []
    format = follow.Format.view if console.is_terminal else follow.Format.log
    try:
        await follow.show(client.stream(pattern, pattern.example), shown.progress, format, seen.append)
        shown.wrong += _wrong(shown.progress, pattern, seen)
    except Exception as error:
        shown.wrong.append(f"{type(error).__name__}: {error}")
    for what in shown.wrong:
        console.print(f"not valid: {what}", style="red", markup=False)
    return shown


def _wrong(progress: Progress, pattern: Pattern[Any, Any], seen: list[Event | Snapshot]) -> Iterator[str]:
    """What is wrong with a job's result, and with how it was streamed."""
    if progress.status != "completed":
        yield describe(progress.problem) if progress.problem else f"the job is {progress.status}"
        return
    try:
        pattern.result.model_validate(progress.document.value)
    except ValidationError as error:
        yield f"the result does not fit {pattern.result.__name__}: {error.errors()[0]}"
    text = follow.JsonText(Shape.of(pattern.result))
    if json.loads("".join(map(text.feed, seen))) != progress.document.value:
        yield "the text that was streamed is not the result"
    streamed = Document()
    for event in seen:
        if not isinstance(event, Snapshot | JobCompleted):
            streamed.apply(event)
    if streamed.value != progress.document.value:
        yield "the parts that were streamed do not make up the result"
    if not any(row.characters for row in progress.steps.values()):
        yield "nothing was streamed before the end"


def _summary(all_shown: list[Shown]) -> Table:
    table = Table(header_style="dim", box=None, pad_edge=False)
    for heading in ("pattern", "steps", "tokens in", "out", "first token", "total", ""):
        table.add_column(heading, justify="left" if heading in ("pattern", "") else "right", no_wrap=bool(heading))
    for shown in all_shown:
        progress, usage = shown.progress, shown.progress.usage or Usage()
        table.add_row(
            progress.pattern,
            str(len(progress.steps)),
            str(usage.prompt_tokens),
            str(usage.output_tokens + usage.thinking_tokens),
            "" if progress.first is None else f"{progress.first:.2f} s",
            "" if progress.took is None else f"{progress.took:.2f} s",
            "[red]not valid[/]" if shown.wrong else "[green]ok[/]",
        )
    return table
