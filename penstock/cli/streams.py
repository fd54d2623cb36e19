"""`penstock streams`: declare the streams and consumers, as a deployment does before its services start."""

import asyncio
from typing import Annotated

import typer

from penstock.cli.failing import failing
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import consumer_configs, declare, stream_configs
from penstock.patterns.loading import load
from penstock.settings import Settings


@failing
def streams(
    nats_url: Annotated[str | None, typer.Option(help="NATS servers (default: PENSTOCK_NATS_URL).")] = None,
) -> None:
    """Declare the streams and consumers on a NATS server, or bring them up to date."""
    settings = Settings(nats_url=nats_url) if nats_url else Settings()

    async def go() -> None:
        bus = await connect(settings, "penstock-streams")
        try:
            await declare(bus.jetstream, settings)
        finally:
            await bus.connection.close()

    asyncio.run(go())
    names = ", ".join(str(config.name) for config in stream_configs(settings))
    typer.echo(f"declared {names} and {len(consumer_configs(settings, load(settings.patterns)))} consumers")
