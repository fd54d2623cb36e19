"""How commands find the system: through a gateway, or through NATS."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeVar

import typer

from penstock.client import Client, DeadLetters, HttpClient, NatsClient
from penstock.settings import Settings

T = TypeVar("T")

_PANEL = "Connection"
_PATIENCE = 30.0
_DEFAULT_URL = "http://127.0.0.1:8080"

Url = Annotated[
    str | None,
    typer.Option(
        envvar="PENSTOCK_URL",
        help=f"The gateway; several, separated by commas. Default: {_DEFAULT_URL}.",
        rich_help_panel=_PANEL,
    ),
]
ApiKey = Annotated[
    str | None, typer.Option(envvar="PENSTOCK_API_KEY", help="The gateway's key.", rich_help_panel=_PANEL)
]
NatsUrl = Annotated[
    str | None,
    typer.Option(
        help="NATS servers, separated by commas: go there, past the gateway. PENSTOCK_NATS_URL does the same where no "
        "gateway is named.",
        rich_help_panel=_PANEL,
    ),
]
Nats = Annotated[
    str | None, typer.Option("--nats-url", help="NATS servers, separated by commas.", envvar="PENSTOCK_NATS_URL")
]


def parameter(name: str, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


#: The options that `client` takes.
CONNECTION = [parameter("url", Url), parameter("api_key", ApiKey), parameter("nats_url", NatsUrl)]


@asynccontextmanager
async def client(url: str | None, api_key: str | None, nats_url: str | None) -> Any:
    """A client that has somebody to talk to. Raises Unreachable."""
    past_gateway = nats_url or (not url and "PENSTOCK_NATS_URL" in os.environ)
    opened: Client = (
        NatsClient(settings(nats_url))
        if past_gateway
        else HttpClient(url or _DEFAULT_URL, api_key=api_key, patience=_PATIENCE)
    )
    async with opened:
        await opened.check()
        yield opened


def settings(nats_url: str | None) -> Settings:
    return Settings(nats_url=nats_url) if nats_url else Settings()


@asynccontextmanager
async def _dead_letters(nats_url: str | None) -> Any:
    async with NatsClient(settings(nats_url)) as opened:
        yield DeadLetters(opened.bus)


def connected(run: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A command out of a coroutine; its first argument is a Client, made from the options of CONNECTION."""
    return _command(run, client, CONNECTION)


def with_dead_letters(run: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A command out of a coroutine; its first argument is DeadLetters, at the `--nats-url` that is given."""
    return _command(run, _dead_letters, [parameter("nats_url", Nats)])


def _command(
    run: Callable[..., Coroutine[Any, Any, None]],
    opening: Callable[..., AbstractAsyncContextManager[T]],
    options: list[Parameter],
) -> Callable[..., None]:
    def command(**given: Any) -> None:
        async def go() -> None:
            async with opening(**{one.name: given.pop(one.name) for one in options}) as opened:
                await run(opened, **given)

        asyncio.run(go())

    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in signature(run).parameters.values()][1:]
    return declared(command, run.__name__, [*own, *options], run.__doc__)


def declared(
    command: Callable[..., None], name: str, parameters: list[Parameter], doc: str | None
) -> Callable[..., None]:
    """The command, which takes its options as keywords, with the signature that typer reads them from."""
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__, command.__doc__ = name, doc
    return command
