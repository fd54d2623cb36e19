"""All streams in a folder, and back.

Each stream is saved as it is at one moment, but one after the other. So a folder is exact where nothing was stored,
given out or acknowledged meanwhile, which is looked at before and after: a job that was being parked or taken up just
then may be in none of the queues.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError

from penstock.errors import Misconfigured
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.asking import asked, consumers_of
from penstock.jetstream.snapshots import restore, save

#: What is in a folder: written last, so a folder without it is none.
_MANIFEST = "backup.json"
_FORMAT = 1
#: Queues come back last: who already runs finds in the journal what it needs to know of what they give out.
_QUEUES = (subjects.HOOKS, subjects.TIMERS, subjects.STEPS, subjects.TURNS, subjects.JOBS)
_ORDER = (*(name for name in subjects.STREAMS if name not in _QUEUES), *_QUEUES)

#: Told the stream, whether that is all of it, and the bytes so far.
Progress = Callable[[str, bool, int], None]


async def back_up(connection: Client, folder: Path, progress: Progress) -> dict[str, Any]:
    """Writes all streams into a new folder, for the eyes of its user only. Returns its manifest.

    Raises Misconfigured where the folder has something in it or a stream is missing, SnapshotFailed.
    """
    _make(folder)
    before, streams = await _marks(connection), dict[str, Any]()
    for name in _ORDER:
        with _private(folder / f"{name}.snapshot") as file:
            streams[name] = await save(connection, name, file, partial(progress, name, False))
            os.fsync(file.fileno())
        progress(name, True, streams[name]["bytes"])
    manifest = {
        "format": _FORMAT,
        "penstock": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exact": before == await _marks(connection),
        "streams": streams,
    }
    with _private(folder / _MANIFEST) as file:
        file.write(json.dumps(manifest, indent=2).encode())
        os.fsync(file.fileno())
    return manifest


async def bring_back(connection: Client, folder: Path, progress: Progress, *, replicas: int) -> dict[str, Any]:
    """Makes all streams from a folder, `replicas` copies of each. Returns its manifest.

    Raises Misconfigured before anything is made: the folder is not whole, or there are streams already. SnapshotFailed
    where NATS refuses, as where another makes a stream meanwhile; those that were made here are gone again then.
    """
    manifest = await asyncio.to_thread(_checked, folder)
    for name in _ORDER:
        try:
            await asked(connection, f"STREAM.INFO.{name}")
        except NotFoundError:
            continue
        raise Misconfigured(f"stream {name} exists already: a backup is restored to a NATS without Penstock's streams")
    made = list[str]()
    try:
        for name in _ORDER:
            saved = manifest["streams"][name]
            saved = saved | {"config": saved["config"] | {"num_replicas": replicas}}
            with (folder / f"{name}.snapshot").open("rb") as file:
                await restore(connection, saved, file, partial(progress, name, False))
            # not before: one that another has made meanwhile is not ours to remove
            made.append(name)
            progress(name, True, saved["bytes"])
    except BaseException:
        for name in made:
            with suppress(APIError):  # another has removed it
                await asked(connection, f"STREAM.DELETE.{name}")
        raise
    return manifest


def _make(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise Misconfigured(f"{folder} is not empty: a backup has a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _checked(folder: Path) -> dict[str, Any]:
    """The manifest of a folder that is whole."""
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        raise Misconfigured(f"{folder} is no backup: it has no {_MANIFEST}") from None
    except (ValueError, RecursionError):  # as whoever was killed while it was written leaves it
        raise Misconfigured(f"{folder} is no backup: its {_MANIFEST} is not whole") from None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise Misconfigured(f"{folder} is a backup of another format than this Penstock {__version__} reads")
    for name in _ORDER:
        if name not in manifest["streams"]:
            raise Misconfigured(f"{folder} has no stream {name}: it was made by Penstock {manifest['penstock']}")
        with (folder / f"{name}.snapshot").open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != manifest["streams"][name]["sha256"]:
                raise Misconfigured(f"{folder}/{name}.snapshot is not what was saved: its SHA-256 differs")
    return manifest


async def _marks(connection: Client) -> dict[str, Any]:
    """What changes with whatever is stored, given out, acknowledged or removed."""
    marks: dict[str, Any] = {}
    for name in _ORDER:
        try:
            state = (await asked(connection, f"STREAM.INFO.{name}"))["state"]
        except NotFoundError:
            raise Misconfigured(f"stream {name} does not exist: `penstock streams` declares the streams") from None
        marks[name] = state["last_seq"], state["messages"]
        async for one in consumers_of(connection, name):
            marks[f"{name} {one['name']}"] = one["delivered"], one["ack_floor"], one["num_ack_pending"]
    return marks


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
