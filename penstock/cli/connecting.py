"""How commands find the system: through a gateway, or through NATS."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from penstock.client import Client, DeadLetters, HttpClient, NatsClient
from penstock.settings import Settings

_PATIENCE = 30.0
_DEFAULT_URL = "http://127.0.0.1:8080"

NatsUrl = Annotated[str | None, typer.Option(help="NATS servers, separated by commas.", envvar="PENSTOCK_NATS_URL")]


def parameter(name: str, kind: Any, option: Any) -> Parameter:
    """An option of a command, None where it is not given."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


_option = partial(typer.Option, rich_help_panel="Connection")
_URL = f"The gateway; several, separated by commas. Default: {_DEFAULT_URL}."
_NATS_URL = "NATS servers: go there, past the gateway. Where no gateway is named, PENSTOCK_NATS_URL does the same."
#: The options that `client` takes.
CONNECTION = [
    parameter("url", str, _option(help=_URL, envvar="PENSTOCK_URL")),
    parameter("api_key", str, _option(help="The gateway's key.", envvar="PENSTOCK_API_KEY")),
    parameter("nats_url", str, _option(help=_NATS_URL)),
]


@asynccontextmanager
async def client(url: str | None, api_key: str | None, nats_url: str | None) -> AsyncIterator[Client]:
    """A client that has somebody to talk to. Raises Unreachable."""
    if nats_url or (not url and os.environ.get("PENSTOCK_NATS_URL")):
        opened: Client = NatsClient(settings(nats_url))
    else:
        opened = HttpClient(url or _DEFAULT_URL, api_key=api_key, patience=_PATIENCE)
    async with opened:
        await opened.check()
        yield opened


def settings(nats_url: str | None) -> Settings:
    return Settings(nats_url=nats_url) if nats_url else Settings()


@asynccontextmanager
async def _dead_letters(nats_url: str | None) -> AsyncIterator[DeadLetters]:
    async with NatsClient(settings(nats_url)) as opened:
        yield DeadLetters(opened.bus)


def connected(run: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A command out of a coroutine. Its first argument, Client or DeadLetters, is made from options of the command."""
    first, *own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in signature(run).parameters.values()]
    over_nats = first.annotation is DeadLetters
    options = (
        [Parameter("nats_url", Parameter.KEYWORD_ONLY, default=None, annotation=NatsUrl)] if over_nats else CONNECTION
    )

    def command(**given: Any) -> None:
        async def go() -> None:
            connection = {one.name: given.pop(one.name) for one in options}
            async with _dead_letters(**connection) if over_nats else client(**connection) as opened:
                await run(opened, **given)

        asyncio.run(go())

    return declared(command, run.__name__, [*own, *options], run.__doc__)


def declared(
    command: Callable[..., None], name: str, parameters: list[Parameter], doc: str | None
) -> Callable[..., None]:
    """The command, which takes its options as keywords, with the signature that typer reads them from."""
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__, command.__doc__ = name, doc
    return command
