"""Errors of the command line: one clear line and a status, no traceback.

status   meaning
1        it failed: the job, or what was asked of the system
2        the command line is wrong
3        `penstock streams --plan`: something would change
130      Ctrl-C
143      SIGTERM, where a command has something to clean up
"""

import asyncio
import logging
import os
import sys
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from penstock.cli.printing import say
from penstock.errors import Diverged, PenstockError
from penstock.hosting import logs
from penstock.installed import advice
from penstock.settings import Settings


class BadInput(PenstockError):
    """The command line cannot be carried out. The message names the option, and says what would do."""


class Reporting(TyperGroup):
    """The top of the command line: an error of any command below is one line on standard error, and only that.

    With PENSTOCK_LOG_LEVEL=DEBUG an unforeseen error keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            # of its own a command logs nothing, unless the user asks for it
            level: Any = os.environ.get("PENSTOCK_LOG_LEVEL", "CRITICAL")
            logs.configure(Settings(log_json=False, log_level=level), "cli")
            return super().invoke(ctx)
        except BrokenPipeError:  # `| head`: typer ends quietly then, as at Ctrl-C
            raise
        except asyncio.CancelledError:
            raise typer.Exit(143) from None
        except Exception as error:
            if _is_foreseen(error):
                say(_said(error))
                raise typer.Exit(2 if isinstance(error, BadInput) else 1) from error
            # typer's own have their own form
            if type(error).__module__.startswith("typer") or logging.getLogger().isEnabledFor(logging.DEBUG):
                raise
            advised = advice(error) if isinstance(error, ModuleNotFoundError) else None
            say(advised or f"internal error: {type(error).__name__}: {error} (PENSTOCK_LOG_LEVEL=DEBUG shows where)")
            raise typer.Exit(1) from error


def _is_foreseen(error: Exception) -> bool:
    if isinstance(error, PenstockError | ValidationError | OSError):
        return True
    httpx = sys.modules.get("httpx")  # a service does not load it
    return httpx is not None and isinstance(error, httpx.InvalidURL)


def _said(error: Exception) -> str:
    from penstock.client import JobFailedError, RequestRefused

    if isinstance(error, RequestRefused | JobFailedError):  # and below it a line for each field that it does not have
        fields = (f"{one.pointer or 'body'}: {one.detail}" for one in error.problem.errors or ())
        how = " (--api-key, or PENSTOCK_API_KEY)" if error.problem.code == "unauthorized" else ""
        return "\n  ".join((f"{error}{how}", *(field for field in fields if field not in error.problem.detail)))
    if isinstance(error, Diverged):
        return f"the job was retried, and the new result contradicts what is printed above: {error}"
    if isinstance(error, ValidationError):  # another version's answer, say
        first = error.errors()[0]
        return f"{error.title}.{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error) or type(error).__name__
