"""How commands find the system: through a gateway, or through NATS."""

from typing import Annotated

import typer

from penstock.client import Client, HttpClient, NatsClient

_PANEL = "Connection"
_PATIENCE = 30.0

Url = Annotated[
    str, typer.Option(envvar="PENSTOCK_URL", help="The gateway; several, separated by commas.", rich_help_panel=_PANEL)
]
ApiKey = Annotated[
    str | None, typer.Option(envvar="PENSTOCK_API_KEY", help="The gateway's key.", rich_help_panel=_PANEL)
]
Nats = Annotated[
    str | None, typer.Option("--nats", help="A NATS URL: go there, past the gateway.", rich_help_panel=_PANEL)
]
DEFAULT_URL = "http://127.0.0.1:8080"


def client(url: str, api_key: str | None, nats: str | None) -> Client:
    """To be used as `async with`."""
    return NatsClient(nats) if nats else HttpClient(url, api_key=api_key, patience=_PATIENCE)
