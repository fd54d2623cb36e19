"""`penstock backup` and `penstock restore`: all streams in a folder, and back. Over NATS."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.connecting import NatsUrl
from penstock.cli.own_settings import settings_with
from penstock.cli.printing import echo, say
from penstock.client.over_nats import NatsClient
from penstock.jetstream.backup import back_up, bring_back
from penstock.jetstream.sizes import as_bytes
from penstock.settings import Settings

#: A line is written of a large stream each time so many more bytes are done.
_STEP = 256 * 1024**2
_FOLDER = typer.Argument(help="The backup's own folder.", metavar="DIR", show_default=False)


def backup(folder: Annotated[Path, _FOLDER], nats_url: NatsUrl = None) -> None:
    """Save all streams, with their consumers and how far each is, into a folder that is new or empty.

    What services store meanwhile may be in one stream and not in another: for an exact backup stop them first. It has
    whatever callers asked and were answered, and the hashes of their keys: only its user can read it.
    """
    manifest = _run(settings_with(nats_url), lambda client: back_up(client.bus.connection, folder, _Progress()))
    size = sum(one["bytes"] for one in manifest["streams"].values())
    echo(f"saved {len(manifest['streams'])} streams, {as_bytes(size)}, to {folder}")
    if not manifest["exact"]:
        why = "services worked meanwhile: a job that was just being parked or taken up may stand still after a restore"
        say(f"{why} (`penstock jobs retry` runs it again); for an exact backup stop them first", colour="yellow")


def restore(folder: Annotated[Path, _FOLDER], nats_url: NatsUrl = None) -> None:
    """Make all streams from a backup, on a NATS that has none of them, before services are started.

    PENSTOCK_STREAM_REPLICAS says how many copies. Behind it, `penstock streams` brings them up to date.
    """
    own = settings_with(nats_url)

    def bring(client: NatsClient) -> Awaitable[dict[str, Any]]:
        return bring_back(client.bus.connection, folder, _Progress(), replicas=own.stream_replicas)

    manifest = _run(own, bring)
    made = f"made at {manifest['made_at']} by Penstock {manifest['penstock']}"
    echo(f"restored {len(manifest['streams'])} streams from {folder}, {made}")


def _run(settings: Settings, action: Callable[[NatsClient], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    async def go() -> dict[str, Any]:
        async with NatsClient(settings) as client:
            return await action(client)

    return asyncio.run(go())


class _Progress:
    """Tells of each stream that is done, and of a large one on its way."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, stream: str, done: bool, size: int) -> None:
        if done or size - self._said >= _STEP:
            say(f"{stream}: {as_bytes(size)}{'' if done else ' so far'}", prefix="", colour=None)
            self._said = 0 if done else size
