"""`penstock dead`: messages that could not be handled. Over NATS."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.cli.failing import failing
from penstock.client import DeadLetter, DeadLetters, NatsClient
from penstock.settings import Settings

T = TypeVar("T")

app = typer.Typer(
    help="Messages that could not be handled: list them, look at them, replay them.", no_args_is_help=True
)

Nats = Annotated[str | None, typer.Option("--nats", help="NATS servers (default: PENSTOCK_NATS_URL).")]
Number = Annotated[int, typer.Argument(min=1, help="The letter's number, as `penstock dead list` shows it.")]


@app.command("list")
@failing
def listed(
    reason: Annotated[str | None, typer.Option(help="Only letters with this reason, such as poisoned.")] = None,
    subject: Annotated[str, typer.Option(help="Only letters from these subjects, such as 'jobs.routing.*'.")] = ">",
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
    nats: Nats = None,
) -> None:
    """List dead letters, oldest first. In a pipe: one JSON object a line."""

    async def read(letters: DeadLetters) -> list[DeadLetter]:
        async with aclosing(letters.all(subject=subject, reason=reason)) as found:
            return [letter async for letter in found][-limit:]

    found = _with_letters(nats, read)
    if not sys.stdout.isatty():
        for letter in found:
            typer.echo(json.dumps(_described(letter), ensure_ascii=False))
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("number", "time", "reason", "subject", "detail"):
        table.add_column(heading, no_wrap=heading == "number", overflow="fold")
    for letter in found:
        row = (
            str(letter.number),
            letter.time[:19].replace("T", " "),
            letter.reason,
            letter.subject,
            letter.detail,
        )
        table.add_row(*map(Text, row))
    Console().print(table if found else "no dead letters")


@app.command()
@failing
def show(number: Number, nats: Nats = None) -> None:
    """Show one dead letter with its body. In a pipe: as JSON."""
    letter = _with_letters(nats, lambda letters: letters.get(number))
    body = letter.body.decode(errors="replace")
    if not sys.stdout.isatty():
        typer.echo(json.dumps(_described(letter) | {"body": body}, ensure_ascii=False))
        return
    table = Table.grid(padding=(0, 2))
    for name, value in _described(letter).items():
        table.add_row(Text(name, style="bold cyan"), Text("–" if value is None else str(value)))
    Console().print(table, Text(body), sep="\n\n")


@app.command()
@failing
def replay(
    numbers: Annotated[list[int], typer.Argument(min=1, help="Numbers of letters.", metavar="NUMBER...")],
    whole_job: Annotated[
        bool, typer.Option("--whole-job", help="Of a dead step: have its whole job done anew.")
    ] = False,
    nats: Nats = None,
) -> None:
    """Submit dead jobs again, under new ids.

    The old id cannot be used: it has ended for good, or belongs to another request. The new one follows from
    the letter, so replaying a letter twice makes one job. A dead step cannot be replayed alone.
    """

    async def go(letters: DeadLetters) -> None:
        for number in numbers:
            letter = await letters.get(number)
            replayed = await letters.replay(letter, whole_job=whole_job)
            was = "is now" if replayed.new else "was replayed before, as"
            typer.echo(f"dead letter {number} ({letter.subject}) {was} job {replayed.job}")

    _with_letters(nats, go)


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": letter.number,
        "time": letter.time,
        "reason": letter.reason,
        "detail": letter.detail,
        "subject": letter.subject,
        "job": letter.job,
        "stream": letter.stream,
        "sequence": letter.sequence,
        "tenant": letter.tenant,
        "bytes": letter.length,
    }


def _with_letters(nats: str | None, use: Callable[[DeadLetters], Awaitable[T]]) -> T:
    async def go() -> T:
        async with NatsClient(nats or Settings()) as client:
            return await use(DeadLetters(client.bus))

    return asyncio.run(go())
