"""`penstock streams`: declare the streams and consumers, as a deployment does before its services start."""

import asyncio

import typer

from penstock.cli.connecting import NatsUrl, settings
from penstock.jetstream.streams import consumer_configs, stream_configs
from penstock.local.stack import declare_streams
from penstock.patterns.loading import load


def streams(nats_url: NatsUrl = None) -> None:
    """Declare the streams and consumers on a NATS server, or bring them up to date."""
    own = settings(nats_url)
    typer.echo(f"declaring the streams at {own.nats_url} …", err=True)
    asyncio.run(declare_streams(own))
    names = ", ".join(str(config.name) for config in stream_configs(own))
    typer.echo(f"declared {names} and {len(consumer_configs(own, load(own.patterns)))} consumers")
