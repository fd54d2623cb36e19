"""The `penstock` command."""

import os
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli import check, dead, demo, eval, fleet, jobs, keys, logs, new, prompts, run, serve, up, usage
from penstock.cli.errors import Commands
from penstock.cli.printing import say
from penstock.patterns import project
from penstock.settings import PREFIX, unknown_variables

_PATTERNS = f"{PREFIX}PATTERNS"

app = typer.Typer(
    cls=Commands,
    name="penstock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(up.up)
app.command("new")(new.new)
app.command("check")(check.check)
app.add_typer(run.app, name="run")
app.add_typer(jobs.app, name="jobs")
app.command("logs")(logs.logs)
app.command("usage")(usage.usage)
app.command("fleet")(fleet.fleet)
app.command("demo")(demo.demo)
app.command("eval")(eval.evaluated)
app.add_typer(prompts.app, name="prompts")
app.add_typer(dead.app, name="dead")
app.add_typer(keys.app, name="keys")
app.command("serve")(serve.serve)
app.command("streams")(serve.streams)


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
