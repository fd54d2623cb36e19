"""`penstock streams --sizes`: how large the streams are, what jobs need of them, and what does not fit together."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import typer

from penstock.cli.printing import echo, say
from penstock.client.errors import Unreachable
from penstock.client.over_nats import NatsClient
from penstock.contracts.options import LONGEST_DEADLINE
from penstock.jetstream.asking import asked, streams
from penstock.jetstream.partitions import logical_stream
from penstock.jetstream.sizes import Size, as_bytes, as_time, longest_wait, sizes, unfit
from penstock.settings import Settings

_HEADINGS = ("stream", "kept for", "holds at most", "holds now")


def show_sizes(settings: Settings, jobs_a_day: int) -> None:
    """Status 1 where something does not fit. NATS need not be there: then it is not compared with it."""
    found = sizes(settings, jobs_a_day)
    try:
        account, held = asyncio.run(_on_server(settings))
    except Unreachable as error:
        say(f"not compared with a server: {error}", prefix="", colour="yellow")
        account, held = None, {}
    lines = [_HEADINGS + ((f"{jobs_a_day:,} jobs leave", "of them at most") if jobs_a_day else ())]
    lines += [_line(size, held, jobs_a_day) for size in found]
    lines.append(_total(found, held, jobs_a_day))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *others in lines:
        numbers = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        echo("  ".join([name.ljust(widths[0]), *numbers]).rstrip())
    runs = max(settings.deadline, LONGEST_DEADLINE)
    echo(f"a job can wait for {as_time(longest_wait(settings))} at most, and run for {as_time(runs)}")
    wrong = list(unfit(settings, found, account))
    for sentence in wrong:
        say(sentence)
    if wrong:
        raise typer.Exit(1)
    echo("all of it fits together")


def _line(size: Size, held: Mapping[str, int], jobs: int) -> tuple[str, ...]:
    now = as_bytes(held[size.stream]) if size.stream in held else "-"
    line = (size.stream, as_time(size.age) if size.age else "ever", as_bytes(size.most), now)
    needs = (as_bytes(size.a_day), as_bytes(size.kept)) if size.a_day else ("", "")
    return line + (needs if jobs else ())


def _total(found: list[Size], held: Mapping[str, int], jobs: int) -> tuple[str, ...]:
    line = ("all", "", as_bytes(sum(size.most for size in found)), as_bytes(sum(held.values())) if held else "-")
    needs = as_bytes(sum(size.a_day for size in found)), as_bytes(sum(size.kept for size in found))
    return line + (needs if jobs else ())


async def _on_server(settings: Settings) -> tuple[dict[str, Any], dict[str, int]]:
    """What JetStream says of our account, and what each stream holds that is there, its partitions together."""
    async with NatsClient(settings) as client:
        account = await asked(client.bus.connection, "INFO")
        held = Counter[str]()
        async for one in streams(client.bus.connection):
            held[logical_stream(one["config"]["name"])] += one["state"]["bytes"]
    return account, held
