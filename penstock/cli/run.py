"""`penstock run <pattern>`: submit a job and watch its result grow."""

import asyncio
from collections.abc import Mapping
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from penstock.cli import connecting, watching
from penstock.cli.failing import BadInput, failing
from penstock.cli.progress import Progress
from penstock.cli.request_options import RequestOption, options_of, read_json, request_of
from penstock.errors import PenstockError
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

_JSON = typer.Option(
    "--json",
    help="The whole request as JSON: a file, or - for standard input. Options go over it.",
    rich_help_panel="Request",
)
_FORMAT = typer.Option(
    "--format", help="view: for people. json: the result, as it grows. events: one a line. Default: view in a terminal."
)
_JOB = typer.Option("--job", help="A name that makes it safe to submit twice: the second finds the first job.")


class _Patterns(TyperGroup):
    """A command for each pattern, with the options of its request; any other name is sent as it is, with --json."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_patterns())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        pattern = _patterns().get(cmd_name)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(cmd_name, help=pattern.summary if pattern else "A pattern that is not known here.")(
            failing(_command(cmd_name, pattern))
        )
        return typer.main.get_command(single)


app = typer.Typer(cls=_Patterns, no_args_is_help=True, subcommand_metavar="PATTERN [OPTIONS]")


@app.callback()
def run() -> None:
    """Submit a job and watch its result grow.

    Exit status 0 only if the job completed. In a pipe the result is plain JSON, printed as it grows.
    """


def _command(name: str, pattern: Pattern[Any, Any] | None) -> Any:
    """A function whose parameters are the pattern's options."""
    common = [
        _parameter("json_file", Path | None, _JSON),
        _parameter("format", watching.Format | None, _FORMAT),
        _parameter("job", str | None, _JOB),
        _parameter("url", connecting.Url, default=connecting.DEFAULT_URL),
        _parameter("api_key", connecting.ApiKey),
        _parameter("nats", connecting.Nats),
    ]
    taken = {"--json", "--format", "--job", "--url", "--api-key", "--nats", "--help"}
    options = [option for option in options_of(pattern.request) if option.flag not in taken] if pattern else []
    options.sort(key=lambda option: len(option.place))  # the request itself first, in the help too

    def command(**given: Any) -> None:
        chosen = {option: given[option.name] for option in options}
        _run(name, pattern, chosen, **{one.name: given[one.name] for one in common})

    parameters = [*(option.parameter() for option in options), *common]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _parameter(name: str, annotation: Any, option: Any = None, *, default: Any = None) -> Parameter:
    described = annotation if option is None else Annotated[annotation, option]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=described)


def _run(
    name: str,
    pattern: Pattern[Any, Any] | None,
    given: Mapping[RequestOption, Any],
    *,
    json_file: Path | None,
    format: watching.Format | None,
    job: str | None,
    url: str,
    api_key: str | None,
    nats: str | None,
) -> None:
    if pattern is not None:
        request = request_of(pattern.request, given, json_file, f"penstock run {name} --help")
    elif json_file is None:
        raise BadInput(f"there is no pattern {name!r} here: {', '.join(_patterns())}. Others need --json")
    else:
        request = read_json(json_file)
    progress = Progress(name)
    shown = watching.chosen(format)

    async def go() -> None:
        async with connecting.client(url, api_key, nats) as client:
            await client.check()
            progress.job = await client.submit(name, request, job=job)
            await watching.watch(client.follow(progress.job), progress, pattern, shown)

    try:
        asyncio.run(go())
    except KeyboardInterrupt:
        watching.interrupted(progress.job)
    watching.finish(progress, shown)


def _patterns() -> dict[str, Pattern[Any, Any]]:
    try:
        return load(Settings().patterns)
    except (PenstockError, ValueError):
        return load()
