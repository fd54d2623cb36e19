"""`penstock keys`: who may ask. Over NATS."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from nats.js.errors import NotFoundError
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Column, Table

from penstock.callers import keys
from penstock.callers.caller import Limits
from penstock.callers.keys import Key, KeyName, Keys
from penstock.cli import view
from penstock.cli.connecting import NatsUrl, connected
from penstock.cli.durations import seconds
from penstock.cli.own_settings import settings_with
from penstock.cli.printing import echo, say
from penstock.cli.text import Text
from penstock.client import NatsClient
from penstock.contracts.budgets import AllowanceText
from penstock.contracts.wire import DEFAULT_TENANT, Tenant
from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.nats_api import credentials
from penstock.settings.group import Rate

app = typer.Typer(
    help="Keys of callers over HTTP: create, list or revoke them; credentials of callers over NATS.",
    no_args_is_help=True,
)


@asynccontextmanager
async def _keys(nats_url: NatsUrl = None) -> AsyncIterator[Keys]:
    """Raises Misconfigured where NATS has no place for keys yet."""
    async with NatsClient(settings_with(nats_url)) as opened:
        try:
            await opened.bus.retrying("find the keys", partial(opened.bus.jetstream.stream_info, subjects.KEYS))
        except NotFoundError:
            raise Misconfigured("NATS has no bucket for keys yet: `penstock streams` declares it") from None
        yield Keys(opened.bus)


def _fitting(kind: Any, said: str) -> Callable[[str], str]:
    """What reads a text of this kind. Raises BadParameter."""
    fitting: TypeAdapter[str] = TypeAdapter(kind)

    def checked(text: str) -> str:
        try:
            return fitting.validate_python(text)
        except ValidationError:
            raise typer.BadParameter(f"{text[:100]!r} is not {said}") from None

    return checked


def _id(text: str) -> str:
    """Of a key that is given whole, its id: so no message repeats its secret."""
    return text.removeprefix("psk_").partition("_")[0]


_A_NAME = _fitting(KeyName, "a name: 1 to 100 characters in one line")
A_TENANT = _fitting(Tenant, "a tenant: 1 to 32 of a-z 0-9 -, the first no -")
_A_RATE = _fitting(Rate, "a rate such as 60/minute: a number and second, minute, hour or day; or none")
_A_BUDGET = _fitting(AllowanceText, "a budget such as 5usd/day or 1000000tokens/month")


@app.command()
@connected(_keys)
async def create(
    opened: Keys,
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.", metavar="NAME", parser=_A_NAME)],
    tenant: Annotated[
        str, typer.Option(help="Keys of one tenant share its jobs.", metavar="TENANT", parser=A_TENANT)
    ] = DEFAULT_TENANT,
    admin: Annotated[bool, typer.Option("--admin", metavar="", help="It sees all tenants, and metrics.")] = False,
    expires: Annotated[
        float | None, typer.Option(help="After 90d, 12h, 15m; else never.", metavar="AGE", parser=seconds)
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Requests to jobs: 60/minute, or none.", metavar="RATE", parser=_A_RATE)
    ] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Such requests at once; else the rate's number.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=1000, help="Jobs of the tenant that have not ended.")] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(help="It may spend: 5usd/day; given twice, both.", metavar="SUM", parser=_A_BUDGET),
    ] = None,
) -> None:
    """Make a key, and print it: this once. Gateways know it within a second."""
    if burst is not None and rate == "none":
        raise typer.BadParameter("there is none where --rate is none", param_hint="--burst")
    now = datetime.now(UTC)
    made = keys.make(
        name,
        tenant,
        created=now,
        admin=admin,
        limits=Limits(rate=rate, burst=burst, jobs=jobs, budgets=budget or None),
        expires=now + timedelta(seconds=expires) if expires is not None else None,
    )
    await opened.add(made.key)
    echo(made.text)
    whose = f"an admin of the tenant {tenant}" if admin else f"the tenant {tenant}"
    kept = f"the key {made.key.id} of {name} for {whose}; keep it now: it is not shown again"
    say(kept, prefix="", colour=None)


@app.command("list")
@connected(_keys)
async def listed(
    opened: Keys,
    tenant: Annotated[str | None, typer.Option(help="Only of this tenant.", metavar="TENANT")] = None,
) -> None:
    """List keys, oldest first, but not their secrets. In a pipe: one JSON object a line."""
    found = [key for key in await opened.all() if tenant in (None, key.tenant)]
    if not sys.stdout.isatty():
        for key in found:
            echo(key.model_dump_json(exclude={"sha256"}))
        return
    columns = [Column(heading, overflow="fold") for heading in ("key", "name, tenant", "created, expires", "may")]
    table = Table(*columns, box=None, header_style="dim", pad_edge=False)
    for key in found:
        ended = f"revoked {view.when(key.revoked)}" if key.revoked else ""
        expires = f"expires {view.when(key.expires)}" if key.expires else ""
        table.add_row(
            Text(key.id, style="" if key.serves(datetime.now(UTC).timestamp()) else "dim strike"),
            Text(f"{key.name}\n{key.tenant}"),
            Text("\n".join(filter(None, (view.when(key.created), ended or expires)))),
            Text("\n".join(_permitted(key))),
        )
    Console().print(table if found else "no keys")


@app.command()
@connected(_keys)
async def revoke(
    opened: Keys,
    key: Annotated[
        str,
        typer.Argument(help="As `penstock keys list` shows it, or the key itself.", metavar="ID", parser=_id),
    ],
) -> None:
    """Revoke a key for good. Gateways refuse it within a second, and end the streams that it has open."""
    revoked = await opened.revoke(key)
    echo(f"the key {revoked.id} of {revoked.name} is revoked")


@app.command()
def nats(
    tenant: Annotated[str, typer.Option(help="Whose jobs it is about.", metavar="TENANT", parser=A_TENANT)],
) -> None:
    """Print the account of a tenant, with one caller, for the configuration of nats-server.

    NATS is not asked: the account is there once it is in the configuration (docs/nats-api.md).
    """
    made = credentials.make(tenant)
    echo(credentials.account(made))
    say(f"for the caller: user {made.user}, password {made.password}", prefix="", colour=None)


def _permitted(key: Key) -> list[str]:
    limits = key.limits.model_dump(exclude_none=True, exclude={"budgets"})
    said = [f"{name} {value}" for name, value in limits.items()] + [f"spend {one}" for one in key.limits.budgets or ()]
    return (["admin"] if key.admin else []) + said
