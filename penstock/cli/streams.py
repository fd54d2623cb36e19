"""`penstock streams`: declare the streams and consumers, or see what that would change."""

import asyncio
from collections import Counter
from typing import Annotated

import typer

from penstock.cli.connecting import NatsUrl
from penstock.cli.errors import BadInput
from penstock.cli.own_settings import settings_with
from penstock.cli.printing import echo, say
from penstock.cli.sizes import show_sizes
from penstock.jetstream.plan import Planned
from penstock.local.declared import PATIENCE, declare_streams, plan_streams

#: The status where something would change: 2 is that of a wrong command line.
_WOULD_CHANGE = 3
_MARKS = {"create": "+", "change": "~", "left": "?"}


def streams(
    nats_url: NatsUrl = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", metavar="", help="Show what would change, and change nothing. Status 3: something."),
    ] = False,
    allow_data_loss: Annotated[
        bool,
        typer.Option(
            "--allow-data-loss", metavar="", help="Do what would lose data, or go back to this older release."
        ),
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", metavar="", help="Show bytes and ages, and what of them does not fit together.")
    ] = False,
    jobs_per_day: Annotated[
        int, typer.Option(min=0, help="With --sizes: what so many jobs a day need.", show_default=False)
    ] = 0,
) -> None:
    """Declare the streams and consumers on a NATS server, or bring them up to date.

    Refuses what would lose data, and streams that a newer release has declared.
    """
    if plan and allow_data_loss:
        raise BadInput("--plan changes nothing: --allow-data-loss belongs to `penstock streams` without it")
    if jobs_per_day and not sizes:
        raise BadInput("--jobs-per-day belongs to --sizes")
    if sizes and (plan or allow_data_loss):
        raise BadInput("--sizes changes nothing, and shows no change: leave out --plan and --allow-data-loss")
    own = settings_with(nats_url)
    if sizes:
        show_sizes(own, jobs_per_day)
        return
    doing = "looking at" if plan else "declaring"
    say(f"{doing} the streams at {own.nats_url}; waiting up to {PATIENCE:.0f} s for its answer", prefix="", colour=None)
    if plan:
        would = asyncio.run(plan_streams(own))
        _show(would)
        if any(one.action in ("create", "change") for one in would):
            raise typer.Exit(_WOULD_CHANGE)
        return
    done = asyncio.run(declare_streams(own, allow_data_loss=allow_data_loss))
    names = ", ".join(one.stream for one in done if one.consumer is None)
    consumers = sum(one.consumer is not None and one.action != "left" for one in done)
    changed = sum(one.action in ("create", "change") for one in done)
    echo(f"declared {names} and {consumers} consumers" + ("" if changed else ": nothing was to change"))


def _show(would: list[Planned]) -> None:
    """A line for each that is not to be kept as it is, one below it for each field, and how many of each."""
    for one in would:
        if one.action == "keep":
            continue
        note = " (no pattern here has this step: it stays; its steps wait)" if one.action == "left" else ""
        echo(f"{_MARKS[one.action]} {one}{note}")
        for change in one.changes:
            echo(f"    {change}" + (f"    LOSES DATA: {change.loses}" if change.loses else ""))
        if one.newer:
            echo(f"    REFUSED: Penstock {one.newer} has declared it, which is newer")
    count = Counter(one.action for one in would)
    echo(f"{count['create']} to create, {count['change']} to change, {count['keep']} unchanged")
