"""`penstock jobs`: look at jobs, follow them, say something to them, cancel them, retry them."""

import sys
import time
from contextlib import aclosing
from typing import Annotated, get_args

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Column, Table

from penstock.cli import follow, view
from penstock.cli.connecting import client, connected
from penstock.cli.durations import seconds
from penstock.cli.printing import echo, say
from penstock.cli.progress import Progress
from penstock.cli.request_options import read_value
from penstock.cli.text import Text
from penstock.client import Client
from penstock.contracts.job import JobStatus, JobSummary
from penstock.jobs.refusals import unknown_pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

app = typer.Typer(
    help="Look at jobs, follow them, say something to them, cancel them, retry them.", no_args_is_help=True
)

Job = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB")]
_STATUSES = ", ".join(get_args(JobStatus))


def _ago(duration: str) -> float:
    return time.time() - seconds(duration)


@app.command("list")
@connected(client)
async def listed(
    opened: Client,
    pattern: Annotated[str | None, typer.Option(help="Only jobs of this pattern.")] = None,
    status: Annotated[JobStatus | None, typer.Option(metavar="STATUS", help=f"Only jobs that are {_STATUSES}.")] = None,
    since: Annotated[
        float | None, typer.Option(parser=_ago, metavar="AGE", help="Only of the last 15m, 2h, 1d.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="Only of this tenant: not one's own takes an admin's key.")
    ] = None,
) -> None:
    """List jobs, newest first. In a pipe: one JSON object a line."""
    found: list[JobSummary] = []
    async with aclosing(opened.jobs(pattern=pattern, status=status, since=since, tenant=tenant)) as all_jobs:
        async for job in all_jobs:
            found.append(job)
            if len(found) == limit:
                break
    if pattern and not found and pattern not in (known := load(Settings().patterns)):
        say(unknown_pattern(pattern, known).detail)
    if not sys.stdout.isatty():
        for job in found:
            echo(job.model_dump_json())
        return
    columns = [Column(heading, overflow="fold") for heading in ("job, pattern", "submitted, took", "status")]
    table = Table(*columns, box=None, header_style="dim", pad_edge=False)
    for job in found:
        took = f"{(job.ended_at - job.accepted_at).total_seconds():.1f} s" if job.ended_at else ""
        status_line = Text(job.status, style=view.mark(job.status)[1])
        status_line.append(f"\n{job.problem.code}" if job.problem else "", style="default")
        whose = f" of {job.tenant}" if job.tenant else ""
        table.add_row(
            Text(f"{job.id}\n  {job.pattern}{whose}"), Text(f"{view.when(job.accepted_at)}\n{took}"), status_line
        )
    Console().print(table if found else "no jobs")


@app.command()
@connected(client)
async def show(opened: Client, job: Job) -> None:
    """Show a job's steps and its result or problem. In a pipe: as JSON."""
    state = await opened.state(job)
    if sys.stdout.isatty():
        Console().print(view.complete(Progress.of(state)))
        for other, how in ((state.retry_of, "it is another try at"), (state.retried_as, "it is tried again as")):
            if other:
                say(f"{how} job {other}", prefix="", colour=None)
    else:
        echo(state.model_dump_json(indent=2))


@app.command()
@connected(client)
async def cancel(opened: Client, job: Job) -> None:
    """Cancel a job. One that has ended stays as it is, and the exit status is 1."""
    state = await opened.cancel(job)
    if state.status != "cancelled":
        say(f"job {job} is {state.status} already")
        raise typer.Exit(1)
    echo(f"job {job} is cancelled")


@app.command()
@connected(client)
async def signal(
    opened: Client,
    job: Job,
    name: Annotated[str, typer.Argument(help="The signal's name.", metavar="NAME")],
    data: Annotated[str | None, typer.Option(metavar="<json>", help="What is said, as JSON.")] = None,
    file: Annotated[
        str | None, typer.Option(metavar="<file>", help="The same in a file, - for standard input.")
    ] = None,
) -> None:
    """Say something to a job: what it waits for, or will. The first one of a name counts."""
    said = await opened.signal(job, name, read_value(data, file))
    echo(f"job {job} has {name}: {to_json(said.body).decode()}")


@app.command()
@connected(client)
async def retry(opened: Client, job: Job) -> None:
    """Submit a job that failed, or was cancelled, once more. What it has finished is not paid again.

    Prints the new job's id: the same one, however often it is asked for, unless that has failed as well.
    """
    echo(await opened.retry(job))


@app.command("follow")
@connected(client)
async def followed(opened: Client, job: Job, format: Annotated[follow.Format | None, follow.FORMAT] = None) -> None:
    """Follow a job from its beginning to its end, as `penstock run` does."""
    state = await opened.state(job)
    progress = Progress(state.pattern, job, submitted=state.accepted_at)
    await follow.to_end(opened.follow(job), progress, format)
