"""Errors of the command line: one clear line and status 1, no traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import httpx
import nats.errors
import typer

from penstock.errors import PenstockError

P = ParamSpec("P")
R = TypeVar("R")


def failing(command: Callable[P, R]) -> Callable[P, R]:
    """Have what users can act on said in one line."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (PenstockError, httpx.HTTPError, nats.errors.Error, OSError) as error:
            typer.secho(f"penstock: {error or type(error).__name__}", err=True, fg="red")
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run
