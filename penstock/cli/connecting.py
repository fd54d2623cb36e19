"""How commands find the system: through a gateway, or through NATS."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from penstock.cli.own_settings import settings_with
from penstock.client import Client, DeadLetters, HttpClient, NatsClient

_PATIENCE = 30.0
_DEFAULT_URL = "http://127.0.0.1:8080"

NatsUrl = Annotated[str | None, typer.Option(help="NATS servers, separated by commas.", envvar="PENSTOCK_NATS_URL")]

_option = partial(typer.Option, rich_help_panel="Connection")
_URL = f"The gateway; several, separated by commas. Default: {_DEFAULT_URL}."
_API_KEY = "The caller's key (`penstock keys create`), where the gateway asks for one."
# not typer's own envvar: a gateway in the environment counts before it
_NATS_URL = "NATS servers: go there, past the gateway. \\[env var: PENSTOCK_NATS_URL, unless a gateway is named]"


@asynccontextmanager
async def client(
    url: Annotated[str | None, _option(help=_URL, envvar="PENSTOCK_URL")] = None,
    api_key: Annotated[str | None, _option(help=_API_KEY, envvar="PENSTOCK_API_KEY")] = None,
    nats_url: Annotated[str | None, _option(help=_NATS_URL)] = None,
) -> AsyncIterator[Client]:
    """A client whose other side answers. Raises Unreachable."""
    if nats_url or (not url and os.environ.get("PENSTOCK_NATS_URL")):
        opened: Client = NatsClient(settings_with(nats_url))
    else:
        opened = HttpClient(url or _DEFAULT_URL, api_key=api_key, patience=_PATIENCE)
    async with opened:
        await opened.check()
        yield opened


@asynccontextmanager
async def dead_letters(nats_url: NatsUrl = None) -> AsyncIterator[DeadLetters]:
    async with NatsClient(settings_with(nats_url)) as opened:
        yield DeadLetters(opened.bus)


def connected(
    connection: Callable[..., AbstractAsyncContextManager[Any]],
) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], Callable[..., None]]:
    """Makes a command out of a coroutine: its first argument is what `connection` opens, whose options are added."""
    options = signature(connection).parameters

    def decorate(run: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        @wraps(run)
        def command(**given: Any) -> None:
            async def go() -> None:
                async with connection(**{name: given.pop(name) for name in options}) as opened:
                    await run(opened, **given)

            asyncio.run(go())

        _, *own = signature(run).parameters.values()
        return declared(command, [*own, *options.values()])

    return decorate


def declared(command: Callable[..., None], parameters: Iterable[Parameter]) -> Callable[..., None]:
    """The command, which takes its options as keywords, with the signature that typer reads them from."""
    keywords = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters]
    command.__signature__ = Signature(keywords)  # type: ignore[attr-defined]
    return command
