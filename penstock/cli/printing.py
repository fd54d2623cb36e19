"""How commands print: what models and callers have written cannot steer the terminal.

The same in a pipe: what is piped or saved is shown in a terminal sooner or later, and JSON keeps its value.
"""

import sys

import typer

from penstock.printable import printable, without_credentials


def echo(text: str) -> None:
    """A line on standard output."""
    write(text + "\n")


def write(text: str) -> None:
    """A piece of text on standard output, at once."""
    sys.stdout.write(printable(text))
    sys.stdout.flush()


def say(message: str, *, prefix: str = "penstock: ", colour: str | None = "red") -> None:
    """A line on standard error. It may name URLs: their credentials are left out."""
    typer.secho(printable(prefix + without_credentials(message)), err=True, fg=colour)
