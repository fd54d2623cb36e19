"""Errors of the command line: one clear line and a status, no traceback.

status   meaning
1        it failed: the job, or what was asked of the system
2        the command line is wrong
130      Ctrl-C
    143      SIGTERM, where a command has something to clean up
"""

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import httpx
import typer
from pydantic import ValidationError

from penstock.client import RequestRefused
from penstock.errors import PenstockError
from penstock.hosting import logs
from penstock.hosting.installed import advice
from penstock.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


class BadInput(PenstockError):
    """What was given on the command line does not do. The message names it."""


def failing(command: Callable[P, R]) -> Callable[P, R]:
    """Have what went wrong said in one line on standard error, and only that.

    With PENSTOCK_LOG_LEVEL=DEBUG an error that nobody foresaw keeps its traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            logs.configure(_quiet(), "cli")
            return command(*args, **kwargs)
        except typer.Exit:
            raise
        except BrokenPipeError:
            # whoever read our output has had enough; Python would complain once more when it flushes
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except asyncio.CancelledError:
            raise typer.Exit(143) from None
        except BadInput as error:
            say(str(error))
            raise typer.Exit(2) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(token) for token in first["loc"])
            setting = f"PENSTOCK_{where.upper()}: " if error.title == "Settings" else f"{error.title}.{where}: "
            say(setting + first["msg"])
            raise typer.Exit(1) from error
        except RequestRefused as error:
            say(str(error))
            for one in error.problem.errors or ():
                say(f"  {one.pointer or 'the body'}: {one.detail}", prefix="")
            raise typer.Exit(1) from error
        except (PenstockError, OSError, httpx.InvalidURL) as error:
            say(str(error) or type(error).__name__)
            raise typer.Exit(1) from error
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and (advised := advice(error)):
                say(advised)
                raise typer.Exit(1) from error
            if logging.getLogger().isEnabledFor(logging.DEBUG):
                raise
            say(f"internal error: {type(error).__name__}: {error} (PENSTOCK_LOG_LEVEL=DEBUG shows where)")
            raise typer.Exit(1) from error

    return run


def say(message: str, *, prefix: str = "penstock: ") -> None:
    typer.secho(f"{prefix}{message}", err=True, fg="red")


def _quiet() -> Settings:
    """Settings under which a command logs nothing of its own, unless the user asks for it."""
    asked = Settings(log_json=False)
    return asked if "log_level" in asked.model_fields_set else asked.model_copy(update={"log_level": "CRITICAL"})
