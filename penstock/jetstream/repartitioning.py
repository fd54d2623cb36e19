"""How many partitions were declared; and another number of them, where they hold nothing: no job moves."""

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.asking import asked
from penstock.jetstream.partitions import DECLARED, PARTITIONED, Partitions


async def declared(connection: Client, *, patience: float = 5.0) -> Partitions | None:
    """None where no streams were declared yet. Raises APIError, nats.errors.Error."""
    try:  # of a stream that is there whatever their number
        info = await asked(connection, f"STREAM.INFO.{subjects.TURNS}", patience=patience)
    except NotFoundError:
        return None
    return Partitions(int((info["config"].get("metadata") or {}).get(DECLARED, 1)))


def differ(there: Partitions, wanted: int) -> Misconfigured:
    """What a service says that was given another number."""
    return Misconfigured(
        f"PENSTOCK_PARTITIONS={wanted}, and the streams were declared with {there.count}: jobs would be looked for"
        f" where they are not. Set PENSTOCK_PARTITIONS={there.count} for every service"
    )


def streams_of(there: Partitions) -> list[str]:
    return [stream for name in PARTITIONED for stream in there.streams(name)]


async def remove(jetstream: JetStreamContext, there: Partitions, wanted: int) -> None:
    """Remove the streams of another number of partitions.

    Raises Misconfigured where one holds anything: then all are as they were. A job that is submitted meanwhile is not
    lost: before it is looked whether JOBS is empty, it takes no more.
    """
    held = await _empty(jetstream, there, wanted)
    jobs = [config for config in held if config.name in there.streams(subjects.JOBS)]
    try:
        for config in jobs:
            await jetstream.update_stream(config.evolve(subjects=[f"removed.{config.name}"]))
        await _empty(jetstream, there, wanted)
    except BaseException:
        for config in jobs:
            await jetstream.update_stream(config)
        raise
    for config in held:
        await jetstream.delete_stream(str(config.name))


async def _empty(jetstream: JetStreamContext, there: Partitions, wanted: int) -> list[StreamConfig]:
    """Those that are there still. Raises Misconfigured where one holds anything."""
    found = []
    for name in streams_of(there):
        try:
            info = await jetstream.stream_info(name)
        except NotFoundError:  # it was removed by a try before this one
            continue
        found.append(info.config)
        if held := info.state.messages:
            raise Misconfigured(
                f"{name} holds {held:,} messages, and no job moves from {there.count} partitions to {wanted}: let a"
                f" NATS of its own have PENSTOCK_PARTITIONS={wanted}, send it the new jobs, and leave this one to those"
                " it has (docs/scaling.md). Only where these streams are empty does `penstock streams` replace them"
            )
    return found
