"""One stream as a file, and back: $JS.API.STREAM.SNAPSHOT and RESTORE, as the `nats` command speaks them.

A snapshot is the server's own archive, with consumers and how far each is. It comes in chunks, each of which is
acknowledged; an empty message ends it, with a status that says whether it is whole. A restore is chunks to a subject
that the server names, each answered, and an empty one at the end, whose answer has the stream or the reason.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, BinaryIO

import nats.errors
from nats.aio.client import Client
from nats.js.errors import APIError

from penstock.errors import PenstockError
from penstock.jetstream.asking import asked
from penstock.jetstream.storage import NotPermitted

#: Bytes of a chunk, and of those that are under way.
_CHUNK, _WINDOW = 256 * 1024, 4 * 1024 * 1024
#: Seconds that the server may take for a chunk, and to check a stream's messages before or behind all of them.
_CHUNK_PATIENCE, _PATIENCE = 30.0, 600.0

Told = Callable[[int], None]


class SnapshotFailed(PenstockError):
    """A stream was not saved, or not restored, as a whole. Says which, and what the server said."""


async def save(connection: Client, stream: str, file: BinaryIO, told: Told) -> dict[str, Any]:
    """Writes the snapshot to `file`; `told` how many bytes it has so far. Returns what a restore needs to know of it.

    The server checks each message's checksum first. Raises SnapshotFailed, and APIError, such as NotFoundError.
    """
    inbox, digest, size = connection.new_inbox(), hashlib.sha256(), 0
    chunks = await connection.subscribe(inbox)
    try:
        query = {"deliver_subject": inbox, "chunk_size": _CHUNK, "window_size": _WINDOW, "jsck": True}
        about = await asked(connection, f"STREAM.SNAPSHOT.{stream}", patience=_PATIENCE, **query)
        while True:
            chunk = await chunks.next_msg(_CHUNK_PATIENCE)
            if not chunk.data:
                status = (chunk.headers or {}).get("Status", "204")
                if status != "204":
                    why = (chunk.headers or {}).get("Description", "")
                    raise SnapshotFailed(f"the snapshot of {stream} broke off: {status} {why}")
                return {"config": about["config"], "state": about["state"], "bytes": size, "sha256": digest.hexdigest()}
            file.write(chunk.data)
            digest.update(chunk.data)
            size += len(chunk.data)
            told(size)
            if chunk.reply:
                await connection.publish(chunk.reply, b"")
    except NotPermitted as error:
        raise SnapshotFailed(f"the snapshot of {stream} was not taken: {error}") from error
    except nats.errors.TimeoutError as error:
        raise SnapshotFailed(f"the snapshot of {stream} broke off after {size:,} bytes: NATS went silent") from error
    finally:
        await chunks.unsubscribe()


async def restore(connection: Client, saved: dict[str, Any], file: BinaryIO, told: Told) -> None:
    """Makes the stream anew from `file`, by what `save` returned. Raises SnapshotFailed: then there is none."""
    config, state = saved["config"], saved["state"]
    stream, size = config["name"], 0
    try:
        answer = await asked(connection, f"STREAM.RESTORE.{stream}", patience=_PATIENCE, config=config, state=state)
        place = answer["deliver_subject"]
        while chunk := file.read(min(_CHUNK, connection.max_payload)):
            # an answer with something in it is why the server takes no more
            if refused := (await connection.request(place, chunk, _CHUNK_PATIENCE)).data:
                _raise(refused)
            told(size := size + len(chunk))
        _raise((await connection.request(place, b"", _PATIENCE)).data)
    except APIError as error:
        raise SnapshotFailed(f"NATS does not restore {stream}: {error.description}") from error
    except NotPermitted as error:
        raise SnapshotFailed(f"{stream} is not restored: {error}") from error
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError) as error:
        raise SnapshotFailed(f"the restore of {stream} broke off after {size:,} bytes: NATS went silent") from error


def _raise(answered: bytes) -> None:
    if error := json.loads(answered).get("error"):
        APIError.from_error(error)
