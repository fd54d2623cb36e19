"""`penstock jobs`: look at jobs, follow them, cancel them."""

import asyncio
import re
import sys
import time
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from penstock.cli import connecting, view, watching
from penstock.cli.failing import BadInput, failing, say
from penstock.cli.progress import Progress
from penstock.contracts.job import JobState, JobStatus, JobSummary
from penstock.document import Shape
from penstock.patterns.loading import load
from penstock.settings import Settings

app = typer.Typer(help="Look at jobs, follow them, cancel them.", no_args_is_help=True)

Job = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB")]
_COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "queued": "dim"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command("list")
@failing
def listed(
    pattern: Annotated[str | None, typer.Option(help="Only jobs of this pattern.")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only jobs that are {', '.join(get_args(JobStatus))}.")] = None,
    since: Annotated[str | None, typer.Option(help="Only jobs submitted in the last 90s, 15m, 2h or 1d.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    url: connecting.Url = connecting.DEFAULT_URL,
    api_key: connecting.ApiKey = None,
    nats: connecting.Nats = None,
) -> None:
    """List jobs, newest first. In a pipe: one JSON object a line."""
    if status is not None and status not in get_args(JobStatus):
        raise BadInput(f"--status {status}: one of {', '.join(get_args(JobStatus))}")
    wanted: JobStatus | None = status  # type: ignore[assignment]  # checked above
    start = time.time() - _seconds(since) if since else None

    async def go() -> list[JobSummary]:
        found: list[JobSummary] = []
        async with connecting.client(url, api_key, nats) as client:
            await client.check()
            async with aclosing(client.jobs(pattern=pattern, status=wanted, since=start)) as all_jobs:
                async for job in all_jobs:
                    found.append(job)
                    if len(found) == limit:
                        break
        return found

    found = asyncio.run(go())
    if not sys.stdout.isatty():
        for job in found:
            typer.echo(job.model_dump_json())
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("job", "pattern", "status", "submitted", "took", ""):
        table.add_column(heading, no_wrap=heading != "pattern", overflow="fold")
    today = datetime.now().astimezone().date()
    for job in found:
        took = f"{(job.ended_at - job.accepted_at).total_seconds():.1f} s" if job.ended_at else ""
        submitted = job.accepted_at.astimezone()
        when = submitted.strftime("%H:%M:%S" if submitted.date() == today else "%b %d %H:%M")
        colour = f"[{_COLOURS[job.status]}]{job.status}[/]"
        table.add_row(job.id, job.pattern, colour, when, took, job.problem.code if job.problem else "")
    Console().print(table if found else "no jobs")


@app.command()
@failing
def show(
    job: Job,
    url: connecting.Url = connecting.DEFAULT_URL,
    api_key: connecting.ApiKey = None,
    nats: connecting.Nats = None,
) -> None:
    """Show a job's steps and its result or problem. In a pipe: as JSON."""

    async def go() -> JobState:
        async with connecting.client(url, api_key, nats) as client:
            await client.check()
            return await client.state(job)

    state = asyncio.run(go())
    if not sys.stdout.isatty():
        typer.echo(state.model_dump_json(indent=2))
        return
    pattern = load(Settings().patterns).get(state.pattern)
    Console().print(view.whole(Progress.of(state), Shape.of(pattern.result).names if pattern else ()))


@app.command()
@failing
def cancel(
    job: Job,
    url: connecting.Url = connecting.DEFAULT_URL,
    api_key: connecting.ApiKey = None,
    nats: connecting.Nats = None,
) -> None:
    """End a job. One that has ended stays as it is, and the exit status is 1."""

    async def go() -> JobState:
        async with connecting.client(url, api_key, nats) as client:
            await client.check()
            return await client.cancel(job)

    state = asyncio.run(go())
    if state.status != "cancelled":
        say(f"job {job} is {state.status} already")
        raise typer.Exit(1)
    typer.echo(f"job {job} is cancelled")


@app.command()
@failing
def follow(
    job: Job,
    format: Annotated[watching.Format | None, typer.Option("--format", help="As for `penstock run`.")] = None,
    url: connecting.Url = connecting.DEFAULT_URL,
    api_key: connecting.ApiKey = None,
    nats: connecting.Nats = None,
) -> None:
    """Watch a job from its beginning to its end, as `penstock run` does."""
    shown = watching.chosen(format)
    progress = Progress("", job)

    async def go() -> None:
        async with connecting.client(url, api_key, nats) as client:
            await client.check()
            state = await client.state(job)
            progress.pattern = state.pattern
            pattern = load(Settings().patterns).get(state.pattern)
            began = time.time() - state.accepted_at.timestamp() if state.accepted_at else 0.0
            await watching.watch(client.follow(job), progress, pattern, shown, began=began)

    try:
        asyncio.run(go())
    except KeyboardInterrupt:
        watching.interrupted(job)
    watching.finish(progress, shown)


def _seconds(duration: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", duration)
    if match is None:
        raise BadInput(f"--since {duration}: a number and one of s, m, h, d, such as 15m")
    return float(match[1]) * _UNITS[match[2]]
