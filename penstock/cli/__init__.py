"""The `penstock` command."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.errors import Reporting
from penstock.cli.printing import say
from penstock.local import project
from penstock.settings import PREFIX, unknown_variables

_PATTERNS = f"{PREFIX}PATTERNS"
#: What each is, in penstock.cli. It is imported where it is asked for: all of them together take a second.
_COMMANDS = {
    "up": "up.up",
    "new": "new.new",
    "check": "check.check",
    "run": "run.app",
    "jobs": "jobs.app",
    "logs": "logs.logs",
    "usage": "usage.usage",
    "fleet": "fleet.fleet",
    "demo": "demo.demo",
    "eval": "eval.evaluated",
    "prompts": "prompts.app",
    "dead": "dead.app",
    "keys": "keys.app",
    "tenants": "tenants.app",
    "nats-config": "nats_config.nats_config",
    "serve": "serve.serve",
    "streams": "streams.streams",
    "backup": "backup.backup",
    "restore": "backup.restore",
}


@cache
def _command(name: str) -> Any:
    module, _, attribute = _COMMANDS[name].partition(".")
    command = getattr(import_module(f"penstock.cli.{module}"), attribute)
    group = typer.Typer()
    if isinstance(command, typer.Typer):
        group.add_typer(command, name=name)
    else:
        group.command(name)(command)
    return typer.main.get_group(group).commands[name]


class _Lazily(Mapping[str, Any]):
    """The commands by name."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class Commands(Reporting):
    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self.commands: Any = _Lazily()

    def list_commands(self, _: Any) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    cls=Commands,
    name="penstock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def penstock(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Show the version.")] = False,
) -> None:
    """LLM agent patterns as independent services over NATS JetStream, streamed from the first token."""
    if context.invoked_subcommand != "serve":  # a service writes this to its log
        for sentence in unknown_variables(os.environ):
            say(sentence, colour="yellow")
    _name_the_projects()


def _name_the_projects() -> None:
    """Patterns of the current folder are named in PENSTOCK_PATTERNS, for this process and those it starts.

    They are imported by the commands that need them, and by nothing but the command line.
    """
    if named := project.found(Path.cwd()):
        if refused := project.why_not(Path.cwd(), named):
            say(refused, colour="yellow")
            return
        set_already = os.environ.get(_PATTERNS, "").split(",")
        os.environ[_PATTERNS] = ",".join(dict.fromkeys(filter(None, (*set_already, *named))))
