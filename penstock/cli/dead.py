"""`penstock dead`: messages that could not be handled. Over NATS."""

import sys
from contextlib import aclosing
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Column, Table

from penstock.cli import view
from penstock.cli.connecting import connected, dead_letters
from penstock.cli.printing import Text, echo
from penstock.client import DeadLetters

app = typer.Typer(help="Messages that could not be handled: list, show or replay them.", no_args_is_help=True)


@app.command("list")
@connected(dead_letters)
async def listed(
    letters: DeadLetters,
    reason: Annotated[str | None, typer.Option(help="Only letters with this reason, such as poisoned.")] = None,
    subject: Annotated[str, typer.Option(help="Only letters from these subjects, such as 'jobs.routing.*'.")] = ">",
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
) -> None:
    """List dead letters, oldest first. In a pipe: one JSON object a line."""
    async with aclosing(letters.all(subject=subject, reason=reason)) as all_letters:
        found = [letter async for letter in all_letters][-limit:]
    if not sys.stdout.isatty():
        for letter in found:
            echo(letter.model_dump_json())
        return
    table = Table.grid("", Column(overflow="fold"), padding=(0, 2))
    for letter in found:
        about = Text.assemble(
            f"{view.when(letter.time)}  ", (letter.reason, "red"), f"\n{letter.subject}\n", (letter.detail, "dim")
        )
        table.add_row(Text(str(letter.number), style="bold"), about)
    Console().print(table if found else "no dead letters")


@app.command()
@connected(dead_letters)
async def show(
    letters: DeadLetters,
    number: Annotated[int, typer.Argument(min=1, help="As `penstock dead list` shows it.", metavar="NUMBER")],
) -> None:
    """Show one dead letter with its body. In a pipe: as JSON."""
    letter = await letters.get(number)
    shown = letter.model_dump(mode="json") | {"body": letter.body.decode(errors="replace")}
    if sys.stdout.isatty():
        Console().print(*view.document(shown), sep="\n")
    else:
        echo(to_json(shown).decode())


@app.command()
@connected(dead_letters)
async def replay(
    letters: DeadLetters,
    numbers: Annotated[list[int], typer.Argument(min=1, help="Numbers of letters.", metavar="NUMBER...")],
    whole_job: Annotated[
        bool, typer.Option("--whole-job", metavar="", help="Of a dead step: run its whole job again.")
    ] = False,
) -> None:
    """Submit dead jobs again, under new ids.

    The old id cannot be used: its job has ended, or it belongs to another request.
    The new one follows from the letter, so replaying it twice makes one job.
    A dead step cannot be replayed alone, but its whole job can.
    """
    for number in numbers:
        letter = await letters.get(number)
        job, is_new = await letters.replay(letter, whole_job=whole_job)
        was = "is now" if is_new else "was replayed before, as"
        echo(f"dead letter {number} ({letter.subject}) {was} job {job}")
