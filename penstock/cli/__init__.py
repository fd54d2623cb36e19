"""The `penstock` command."""

import os
from typing import Annotated

import typer

from penstock.cli import dead, demo, eval, jobs, prompts, run, serve, up
from penstock.cli.errors import Commands
from penstock.cli.printing import say
from penstock.settings import unknown_variables

app = typer.Typer(
    cls=Commands,
    name="penstock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(up.up)
app.add_typer(run.app, name="run")
app.add_typer(jobs.app, name="jobs")
app.command("demo")(demo.demo)
app.command("eval")(eval.evaluated)
app.add_typer(prompts.app, name="prompts")
app.add_typer(dead.app, name="dead")
app.command("serve")(serve.serve)
app.command("streams")(serve.streams)


@app.callback()
def penstock(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Show it; penstock.__main__ does.")] = False,
) -> None:
    """LLM agent patterns as independent services over NATS JetStream, streamed from the first token."""
    if context.invoked_subcommand != "serve":  # a service writes this to its log
        for sentence in unknown_variables(os.environ):
            say(sentence, colour="yellow")
