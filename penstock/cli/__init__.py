"""The `penstock` command."""

import typer

from penstock.cli import dead, demo, jobs, run, serve, streams, up
from penstock.cli.errors import Commands

app = typer.Typer(
    cls=Commands,
    name="penstock",
    help="LLM agent patterns as independent services over NATS JetStream, streamed from the first token.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(up.up)
app.add_typer(run.app, name="run")
app.add_typer(jobs.app, name="jobs")
app.command("demo")(demo.demo)
app.add_typer(dead.app, name="dead")
app.command("serve")(serve.serve)
app.command("streams")(streams.streams)
