"""`penstock dead`: messages that could not be handled. Over NATS."""

import sys
from collections import deque
from contextlib import aclosing
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Column, Table

from penstock.cli import view
from penstock.cli.connecting import connected, dead_letters
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo, say
from penstock.cli.text import Text
from penstock.client import DeadLetters
from penstock.client.dead_letters import NotReplayable
from penstock.jetstream import subjects
from penstock.jobs.dead_letters import DeadLetter

app = typer.Typer(help="Messages that could not be handled: list, show, replay or purge them.", no_args_is_help=True)

Reason = Annotated[str | None, typer.Option(help="Only letters with this reason, such as poisoned.")]
Subject = Annotated[
    str | None, typer.Option(help="Only letters from these subjects, such as 'jobs.*.routing.*'.", show_default=False)
]
_NUMBERS = typer.Argument(min=1, help="Numbers of letters.", metavar="NUMBER...")


@app.command("list")
@connected(dead_letters)
async def listed(
    letters: DeadLetters,
    reason: Reason = None,
    subject: Subject = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 50,
) -> None:
    """List dead letters, oldest first. In a pipe: one JSON object a line."""
    found = deque[DeadLetter](maxlen=limit)
    async with aclosing(letters.all(subject=subject or ">", reason=reason)) as all_letters:
        async for letter in all_letters:
            found.append(letter)
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
    numbers: Annotated[list[int], _NUMBERS],
    whole_job: Annotated[
        bool, typer.Option("--whole-job", metavar="", help="Of a dead step: run its whole job again.")
    ] = False,
) -> None:
    """Submit dead jobs again, under new ids, and have dead webhooks sent again. In a pipe: one JSON object a line.

    The old id cannot be used: its job has ended, or it belongs to another request.
    The new one follows from the letter, so replaying it twice makes one job.
    A dead step cannot be replayed alone, but its whole job can.
    What cannot be replayed is said, and the others are.
    """
    failed = False
    for number in numbers:
        try:
            letter = await letters.get(number)
            job, is_new = await letters.replay(letter, whole_job=whole_job)
        except NotReplayable as error:
            say(str(error))
            failed = True
            continue
        if letter.stream == subjects.HOOKS:
            became = f"is sent again: the end of job {job}" if is_new else f"is still being sent: the end of job {job}"
        else:
            became = f"is now job {job}" if is_new else f"was replayed before, as job {job}"
        _tell(letter, became, job=job, new=is_new)
    if failed:
        raise typer.Exit(1)


@app.command()
@connected(dead_letters)
async def purge(
    letters: DeadLetters,
    numbers: Annotated[list[int] | None, _NUMBERS] = None,
    reason: Reason = None,
    subject: Subject = None,
    everything: Annotated[bool, typer.Option("--all", metavar="", help="All letters that there are.")] = False,
) -> None:
    """Remove dead letters: those numbered, those with a reason or from subjects, or all. In a pipe: JSON.

    Only the letters: jobs stay as they are. Without this they are kept for 30 days.
    """
    filtered = bool(reason or subject)
    if [bool(numbers), filtered, everything].count(True) != 1:
        raise BadInput("either numbers, or --reason and --subject, or --all: `penstock dead list` shows what there is")
    failed = False
    for number in numbers or ():
        try:
            await _purge(letters, await letters.get(number))
        except NotReplayable as error:
            say(str(error))
            failed = True
    if not numbers:
        async with aclosing(letters.all(subject=subject or ">", reason=reason)) as found:
            async for letter in found:
                await _purge(letters, letter)
    if failed:
        raise typer.Exit(1)


async def _purge(letters: DeadLetters, letter: DeadLetter) -> None:
    await letters.purge(letter)
    _tell(letter, "is gone", job=letter.job)


def _tell(letter: DeadLetter, became: str, **fields: Any) -> None:
    """What has become of a letter, for people or for programs."""
    if sys.stdout.isatty():
        echo(f"dead letter {letter.number} ({letter.subject}) {became}")
    else:
        echo(to_json({"number": letter.number, "subject": letter.subject, **fields}).decode())
