"""`penstock run <pattern>`: submit a job and follow it."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from penstock.cli import connecting, follow
from penstock.cli.connecting import CONNECTION, declared, parameter
from penstock.cli.errors import BadInput
from penstock.cli.progress import Progress
from penstock.cli.request_options import options_of, read_json, request_of
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

_JSON = typer.Option(
    "--json",
    help="The complete request as JSON: a file, or - for standard input. Options override what is in it.",
    rich_help_panel="Request",
)
_KEY = typer.Option(help="Makes it safe to submit twice: the same key with the same request is the same job.")
_DETACH = typer.Option("--detach", help="Submit, print the job's id, and do not wait for it.")
_COMMON = [
    parameter("json_file", Path, _JSON),
    parameter("format", follow.Format, follow.FORMAT),
    parameter("detach", bool, _DETACH),
    parameter("idempotency_key", str, _KEY),
    *CONNECTION,
]
#: A field of a request whose option would be one of these is given by --json only.
_TAKEN = {"--json", "--help", *("--" + one.name.replace("_", "-") for one in _COMMON)}


class _Patterns(TyperGroup):
    """A command for each pattern, with the options of its request; any other name is sent as it is, with --json."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(load(Settings().patterns))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        patterns = load(Settings().patterns)
        pattern = patterns.get(cmd_name)
        if pattern is None and "--json" not in ctx.args:
            raise BadInput(
                f"there is no pattern {cmd_name!r} here: there are {', '.join(patterns)}. "
                "With --json a request is sent to one that only the services know"
            )
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(_command(cmd_name, pattern))
        return typer.main.get_command(single)


app = typer.Typer(cls=_Patterns, no_args_is_help=True, subcommand_metavar="PATTERN [OPTIONS]")


@app.callback()
def run() -> None:
    """Submit a job and follow it. `penstock run PATTERN --help` shows the options of its request.

    Exit status 0 only if the job completed. In a pipe the result is plain JSON, printed as it is written.
    """


def _command(name: str, pattern: Pattern[Any, Any] | None) -> Callable[..., None]:
    options = [option for option in options_of(pattern.request) if option.flag not in _TAKEN] if pattern else []
    options.sort(key=lambda option: len(option.place))  # the request's own first

    def command(json_file: Path | None, **given: Any) -> None:
        fields = {option: given.pop(option.name) for option in options}
        if pattern is not None:
            request = request_of(pattern.request, fields, json_file, f"penstock run {name} --help")
        else:
            assert json_file is not None
            request = read_json(json_file)
        asyncio.run(_run(name, request, **given))

    summary = pattern.summary if pattern else "A pattern that is not known here."
    return declared(command, name, [*(option.parameter() for option in options), *_COMMON], summary)


async def _run(
    name: str,
    request: Mapping[str, Any],
    *,
    format: follow.Format | None,
    detach: bool | None,
    idempotency_key: str | None,
    **connection: Any,
) -> None:
    progress = Progress(name)
    async with connecting.client(**connection) as client:
        progress.job = await client.submit(name, request, idempotency_key=idempotency_key)
        if detach:
            typer.echo(progress.job)
        else:
            await follow.to_end(client.follow(progress.job), progress, format)
