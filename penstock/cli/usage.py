"""`penstock usage`: what was used, and what it cost."""

import sys
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from penstock.cli.connecting import client, connected
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo, say
from penstock.cli.text import Text
from penstock.client import Client
from penstock.contracts.usage import By, Sum, UsageReport
from penstock.usage import as_csv, columns, days


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day, such as 2026-11-25") from None


@connected(client)
async def usage(
    opened: Client,
    first: Annotated[
        date | None, typer.Option("--from", parser=_day, metavar="DAY", help="The first day (UTC); 30 in all.")
    ] = None,
    last: Annotated[date | None, typer.Option("--to", parser=_day, metavar="DAY", help="The last; today.")] = None,
    by: Annotated[str, typer.Option(help="A row for each: day, tenant, pattern, step, model.")] = "day,model",
    csv: Annotated[bool, typer.Option("--csv", metavar="", help="As CSV.")] = False,
) -> None:
    """Show tokens and cost by day and model, or as asked for. In a pipe: as JSON."""
    try:
        wanted = columns(by)
        first, last = days(first, last)
    except ValueError as error:
        raise BadInput(str(error)) from error
    found = await opened.usage(first, last, wanted)
    if csv:
        for line in as_csv(found, wanted).splitlines():
            echo(line)
    elif sys.stdout.isatty():
        Console().print(_table(found, wanted) if found.rows else "nothing was used")
        if found.total.unmetered:
            say(f"{found.total.unmetered} calls were cut off before they could tell what they cost", prefix="")
        if found.prices:
            say(f"prices by {', '.join(found.prices)}", prefix="", colour=None)
        if found.total.unpriced_calls:
            say(f"no price is known of {found.total.unpriced_calls:,} calls", prefix="", colour=None)
    else:
        echo(found.model_dump_json(indent=2))


def _table(found: UsageReport, by: tuple[By, ...]) -> Table:
    names = [Column(name, overflow="fold") for name in by]
    numbers = [Column(name, justify="right") for name in ("calls", "in", "cached", "out", "thinking", "USD", "wasted")]
    table = Table(*names, *numbers, box=None, header_style="dim", pad_edge=False, show_footer=False)
    for row in found.rows:
        table.add_row(*(Text(str(getattr(row, name) or "unknown")) for name in by), *_numbers(row, row.wasted))
    if len(found.rows) > 1:
        table.add_row("all", *("" for _ in by[1:]), *_numbers(found.total, found.total.wasted), style="bold")
    return table


def _numbers(all_of_it: Sum, wasted: Sum) -> list[str]:
    tokens = (
        all_of_it.prompt_tokens,
        all_of_it.cached_tokens,
        all_of_it.output_tokens,
        all_of_it.thinking_tokens,
    )
    lost = wasted.prompt_tokens + wasted.output_tokens + wasted.thinking_tokens
    return [f"{all_of_it.calls:,}", *(f"{count:,}" for count in tokens), _dollars(all_of_it), f"{lost:,}"]


def _dollars(cost: Sum) -> str:
    """What has no price is not free."""
    if cost.cost_usd is None:
        return "unknown" if cost.unpriced_calls else "0"
    return f"{cost.cost_usd:.4f}" + (" + unknown" if cost.unpriced_calls else "")
