"""`penstock fleet`: who is there, what waits, and how models stand."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table

from penstock.cli.connecting import client, connected
from penstock.cli.durations import shortly
from penstock.cli.printing import echo
from penstock.cli.text import Text
from penstock.client import Client
from penstock.contracts.fleet import Counts, Fleet, Queue, Replica

#: Seconds between two looks.
_EVERY = 2.0


@connected(client)
async def fleet(
    opened: Client,
    watch: Annotated[bool, typer.Option("--watch", metavar="", help="Look again and again, until Ctrl-C.")] = False,
    json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, one object a line; so in a pipe.")] = False,
) -> None:
    """Show every process that answers, what waits for them, and how models with limits stand.

    Takes an admin's key, where keys are needed. A process that was killed is not shown any more.
    """
    as_json = json or not sys.stdout.isatty()
    before: Fleet | None = None
    with nullcontext() if as_json or not watch else Live(console=Console(), auto_refresh=False) as live:
        while True:
            found = await opened.fleet()
            if as_json:
                echo(found.model_dump_json())
            elif live is None:
                Console().print(_shown(found, before))
            else:
                live.update(_shown(found, before), refresh=True)
            if not watch:
                return
            before = found
            await asyncio.sleep(_EVERY)


def _shown(found: Fleet, before: Fleet | None) -> Group:
    earlier = {one.id: one.counts for one in before.replicas} if before else {}
    seconds = (found.at - before.at).total_seconds() if before else 0.0
    parts: list[RenderableType] = [_processes(found, lambda one: _rates(one, earlier.get(one.id), seconds)), ""]
    waiting = [(f"{one.service}/{one.pattern}/{one.step}", one) for one in found.steps if one.depth or one.in_flight]
    parts += [_queues([("jobs", found.jobs), *waiting]), ""]
    if found.models:
        parts += [_models(found), ""]
    parts.append(Text(f"{found.dead_letters:,} dead letters", style="red" if found.dead_letters else "dim"))
    return Group(*parts)


def _table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    left = [Column(name, overflow="fold") for name in columns]
    return Table(
        *left, *(Column(name, justify="right") for name in numbers), box=None, header_style="dim", pad_edge=False
    )


def _processes(found: Fleet, rates: Callable[[Replica], str]) -> Table:
    table = _table("process", "host", "version", "up", numbers=("slots", "in flight", "done", "failed"))
    for one in found.replicas:
        counts = one.counts
        done = counts.jobs_completed + counts.steps_completed or counts.requests
        failed = counts.jobs_failed + counts.steps_failed + counts.request_errors
        name = Text(one.service)
        if one.trouble:
            name.append(f"\n{one.trouble}", "yellow")
        table.add_row(
            name,
            Text(f"{one.host} {one.pid}"),
            Text(one.version),
            shortly(max(0.0, (found.at - one.started_at).total_seconds())),
            f"{one.in_use}/{one.slots}" if one.slots else "",
            f"{one.in_flight:,}",
            f"{done:,}{rates(one)}",
            Text(f"{failed:,}", style="red" if failed else "default"),
        )
    if found.truncated:
        table.add_row("and more")
    return table


def _rates(one: Replica, before: Counts | None, seconds: float) -> str:
    if before is None or seconds <= 0:
        return ""

    def done(counts: Counts) -> int:
        return counts.jobs_completed + counts.steps_completed or counts.requests

    return f"  {(done(one.counts) - done(before)) / seconds:.1f}/s"


def _queues(rows: list[tuple[str, Queue]]) -> Table:
    lanes = ("high", "normal", "low", "over")
    table = _table("waiting", numbers=("in all", "oldest", "in flight", *lanes))
    for name, queue in rows:
        depths = {lane.lane: lane.depth for lane in queue.lanes}
        oldest = "" if queue.oldest_seconds is None else shortly(queue.oldest_seconds)
        said = Text(name)
        if queue.depth and not queue.served:
            said.append("\nnobody serves it", "red")
        each = (f"{depths.get(lane, 0):,}" if depths.get(lane) else "" for lane in lanes)
        table.add_row(said, f"{queue.depth:,}", oldest, f"{queue.in_flight:,}", *each)
    return table


def _models(found: Fleet) -> Table:
    table = _table("model", numbers=("at once", "calls/min", "tokens/min", "waiting", "paused"))
    for one in found.models:
        used = ((one.lent, one.limits.concurrent), (one.calls, one.limits.requests_per_minute))
        tokens = (one.tokens, one.limits.tokens_per_minute)
        paused = shortly((one.paused_until - found.at).total_seconds()) if one.paused_until else ""
        shown = (f"{now:,}/{most:,}" if most else f"{now:,}" for now, most in (*used, tokens))
        table.add_row(Text(one.model), *shown, f"{one.waiting:,}", paused)
    return table
