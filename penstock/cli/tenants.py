"""`penstock tenants`: what is kept of a tenant, and its removal. Over NATS."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

import typer
from pydantic_core import to_json

from penstock.cli.connecting import NatsUrl, connected
from penstock.cli.errors import BadInput
from penstock.cli.keys import A_TENANT
from penstock.cli.own_settings import settings_with
from penstock.cli.printing import echo, say
from penstock.client import NatsClient
from penstock.client.tenants import ENDED, Tenant
from penstock.jetstream import subjects

app = typer.Typer(help="What is kept of a tenant: show it, or remove all of it.", no_args_is_help=True)

_TENANT = typer.Argument(help="As jobs and keys have it.", metavar="TENANT", parser=A_TENANT, show_default=False)


@asynccontextmanager
async def _nats(nats_url: NatsUrl = None) -> AsyncIterator[NatsClient]:
    async with NatsClient(settings_with(nats_url)) as opened:
        yield opened


@app.command()
@connected(_nats)
async def show(opened: NatsClient, tenant: Annotated[str, _TENANT]) -> None:
    """Show how many messages each stream has of a tenant. In a pipe: as JSON."""
    _show(tenant, await Tenant(opened.bus, tenant).count())


@app.command()
@connected(_nats)
async def purge(
    opened: NatsClient,
    tenant: Annotated[str, _TENANT],
    keep_usage: Annotated[
        bool, typer.Option("--keep-usage", metavar="", help="Keep the sums of tokens and cost, for the books.")
    ] = False,
    erase: Annotated[
        bool, typer.Option("--erase", metavar="", help="Overwrite it on NATS's disk, too: some 300 messages a second.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask.")] = False,
) -> None:
    """End a tenant's jobs, and remove all that streams have of it: for good. In a pipe: JSON, and --yes is needed.

    Jobs, their journal, events, queued steps and webhooks, cached replies, dead letters, usage, counters, limits, chats
    and keys. Not logs, traces, metrics and backups: docs/operations/customer-data.md.
    """
    whose = Tenant(opened.bus, tenant)
    if not yes:
        if not sys.stdin.isatty():
            raise BadInput("--yes is needed where nobody can be asked")
        _show(tenant, await whose.count())
        admins = sum(key.admin for key in await whose.keys())
        note = f", {admins} of its keys an admin's," if admins else ""
        if not typer.confirm(f"end its jobs and remove all of it{note} for good?", err=True):
            raise typer.Exit(1)
    removed = await whose.purge(keep_usage=keep_usage, erase=erase, told=partial(say, prefix="", colour=None))
    if sys.stdout.isatty():
        _show(tenant, removed, "was removed")
    else:
        _show(tenant, removed)
    if keep_usage:
        say(f"kept: {subjects.USAGE}, sums by day, pattern, step and model (--keep-usage)", prefix="", colour=None)


def _show(tenant: str, counts: Counter[str], what: str = "there is") -> None:
    """By stream, for people or for programs."""
    ended, streams = counts[ENDED], {name: counts[name] for name in subjects.STREAMS if counts[name]}
    if not sys.stdout.isatty():
        echo(to_json({"tenant": tenant, "streams": streams, **({"ended": ended} if ended else {})}).decode())
        return
    echo(f"of the tenant {tenant} {what}: {'' if streams else 'nothing'}".rstrip(": "))
    for name, count in streams.items():
        echo(f"  {name:<8} {count:>10,} {'messages' if count != 1 else 'message'}")
    if ended:
        echo(f"  {ended:,} jobs were ended")
