"""`penstock run <pattern>`: submit a job and follow it."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from penstock.cli import follow
from penstock.cli.connecting import client, declared
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo, say
from penstock.cli.progress import Progress
from penstock.cli.request_options import RequestOption, options_of, read_json, request_of
from penstock.jobs.refusals import unknown_pattern
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

_JSON = typer.Option(
    parser=read_json,
    metavar="<file>",
    help="The complete request as JSON, or - for standard input. Options override what is in it.",
)
_KEY = typer.Option(help="Makes it safe to submit twice: the same key with the same request is the same job.")
_DETACH = typer.Option("--detach", metavar="", help="Submit, print the job's id, and do not wait for it.")


class _Patterns(TyperGroup):
    """A command for each pattern, with the options of its request; any other name is sent as it is, with --json."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(load(Settings().patterns))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        patterns = load(Settings().patterns)
        pattern = patterns.get(cmd_name)
        if pattern is None and not any(one.startswith("--json") for one in sys.argv):
            sentence = unknown_pattern(cmd_name, patterns).detail
            raise BadInput(f"{sentence}. If only the services know it, give its request with --json")
        single = typer.Typer(add_completion=False)
        summary = pattern.summary if pattern else "A pattern that is not known here."
        single.command(cmd_name, help=summary)(_command(cmd_name, pattern))
        return typer.main.get_command(single)


app = typer.Typer(cls=_Patterns, no_args_is_help=True, subcommand_metavar="PATTERN [OPTIONS]")


@app.callback()
def run() -> None:
    """Submit a job and follow it. `penstock run PATTERN --help` shows the options of its request.

    Exit status 0 only if the job completed. In a pipe the result is plain JSON, printed as it is written.
    """


def _command(name: str, pattern: Pattern[Any, Any] | None) -> Callable[..., None]:
    """A field whose option would be one of the command's own is given by --json only."""
    _, _, _, *own, _ = signature(_run).parameters.values()
    own += signature(client).parameters.values()
    taken = {"help", *(one.name for one in own)}
    options = [option for option in options_of(pattern.request) if option.name not in taken] if pattern else []
    options.sort(key=lambda option: len(option.place))  # the request's own first

    def command(**given: Any) -> None:
        fields = {option: given.pop(option.name) for option in options}
        asyncio.run(_run(name, pattern, fields, **given))

    return declared(command, [*(option.parameter() for option in options), *own])


async def _run(
    name: str,
    pattern: Pattern[Any, Any] | None,
    fields: Mapping[RequestOption, Any],
    json: Annotated[Any, _JSON] = None,
    format: Annotated[follow.Format | None, follow.FORMAT] = None,
    detach: Annotated[bool, _DETACH] = False,
    idempotency_key: Annotated[str | None, _KEY] = None,
    **connection: Any,
) -> None:
    body = json or {}
    request = request_of(pattern.request, fields, body, f"penstock run {name} --help") if pattern else body
    progress = Progress(name)
    async with client(**connection) as opened:
        progress.job = await opened.submit(name, request, idempotency_key=idempotency_key)
        if detach:
            echo(progress.job)
        else:
            if not sys.stdout.isatty():
                say(f"job {progress.job}", prefix="", colour=None)
            await follow.to_end(opened.follow(progress.job), progress, format)
