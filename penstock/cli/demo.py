"""`penstock demo`: start everything, run every pattern, check each result, leave nothing running."""

import asyncio
import json
import signal
import tempfile
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from penstock.cli import follow
from penstock.cli.errors import BadInput
from penstock.cli.progress import Progress
from penstock.cli.text import Text
from penstock.cli.up import PaceOption
from penstock.client import Client, HttpClient
from penstock.client.job_events import raise_unless_completed, with_event
from penstock.contracts.events import Event
from penstock.contracts.job import Snapshot
from penstock.contracts.usage import Usage
from penstock.document import Document
from penstock.jobs.refusals import unknown_pattern
from penstock.local.stack import Stack
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

#: A pattern's run, and what is wrong with its result: nothing, if all is well.
Shown = tuple[Progress, list[str]]


def demo(
    only: Annotated[list[str] | None, typer.Option(help="Run this pattern only; may be given again.")] = None,
    pace: PaceOption = "natural",
) -> None:
    """Start everything on free ports, run every pattern, and check each result.

    Without GEMINI_API_KEY the answers are simulated, and say so. Nothing is left running.
    Exit status 0 only if each result fits its pattern and is what was streamed.
    """
    patterns = load(Settings().patterns)
    for name in only or ():
        if name not in patterns:
            raise BadInput(f"--only: {unknown_pattern(name, patterns).detail}")
    chosen = [pattern for name, pattern in patterns.items() if not only or name in only]
    console = Console()
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as folder:
        shown = asyncio.run(_demo(Stack(data=Path(folder), port=0, pace=pace), chosen, console))
    console.print("\n[bold]what ran[/]", _summary(shown), sep="\n")
    if any(wrong for _, wrong in shown):
        raise typer.Exit(1)


async def _demo(stack: Stack, patterns: list[Pattern[Any, Any]], console: Console) -> list[Shown]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console.print("starting NATS, the services and what they need …", style="dim")
    async with stack, HttpClient(stack.gateway_urls[0]) as client:
        if stack.simulator_url:
            console.print("[yellow]Answers are simulated[/] (no GEMINI_API_KEY): no model wrote them")
        return [await _show(client, pattern, console) for pattern in patterns]


async def _show(client: Client, pattern: Pattern[Any, Any], console: Console) -> Shown:
    console.print(f"\n[bold]{pattern.name}[/]\n[dim]{pattern.summary}[/]")
    progress = Progress(pattern.name)
    format = follow.Format.view if console.is_terminal else follow.Format.log
    try:
        seen = [event async for event in follow.show(client.stream(pattern, pattern.example), progress, format)]
        wrong = list(_wrong(progress, pattern, seen))
    except Exception as error:
        wrong = [f"{type(error).__name__}: {error}"]
    for what in wrong:
        console.print(Text(f"not valid: {what}", style="red"))
    return progress, wrong


def _wrong(progress: Progress, pattern: Pattern[Any, Any], seen: list[Event | Snapshot]) -> Iterator[str]:
    """What is wrong with how a result was streamed. Raises what its model does, and where the job did not complete."""
    raise_unless_completed(progress.job, seen[-1])
    result = progress.document.value
    pattern.result.model_validate(result)
    if json.loads("".join(map(follow.JsonText(progress.shape).feed, seen))) != result:
        yield "the text that was streamed is not the result"
    if reduce(with_event, seen[:-1], Document()).value != result:  # the last one has all of it
        yield "the parts that were streamed do not make up the result"
    if not any(row.characters for row in progress.steps.values()):
        yield "nothing was streamed before the end"


def _summary(all_shown: list[Shown]) -> Table:
    numbers = [Column(name, justify="right") for name in ("steps", "tokens in", "out", "first token", "total")]
    table = Table(Column("pattern", no_wrap=True), *numbers, "", header_style="dim", box=None, pad_edge=False)
    for progress, wrong in all_shown:
        usage = progress.usage or Usage()
        table.add_row(
            progress.pattern,
            str(len(progress.steps)),
            str(usage.prompt_tokens),
            str(usage.output_tokens + usage.thinking_tokens),
            *("" if seconds is None else f"{seconds:.2f} s" for seconds in (progress.first, progress.took)),
            "[red]not valid[/]" if wrong else "[green]ok[/]",
        )
    return table
