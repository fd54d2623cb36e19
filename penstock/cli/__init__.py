"""The `penstock` command."""

import typer

from penstock.cli import demo, run, streams, up

app = typer.Typer(
    name="penstock",
    help="LLM agent patterns as independent services over NATS JetStream, streamed from the first token.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(up.up)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("streams")(streams.streams)
