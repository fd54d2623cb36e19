"""`processes.json` in the data folder of `penstock up`: what runs, and where; `prometheus.json` has it for Prometheus.

Some of its addresses hold the token of the run, so it is for the user who runs it only.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from penstock.local.process import Process
from penstock.printable import without_credentials

_NAME = "processes.json"
#: As its file_sd_configs reads it.
_TARGETS = "prometheus.json"


def write_private(path: Path, text: str) -> None:
    """Replaces the file as a whole, by one that only its user may read."""
    fresh = path.with_suffix(".tmp")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def make_private(folder: Path) -> None:
    """Makes the folder, or sees to it that others cannot look into it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def write(folder: Path, processes: Sequence[Process]) -> None:
    """Name, pid and, once it is ready, address of each process that runs, and where it shows its metrics."""
    running = [one for one in processes if one.pid]
    entries = [{"name": one.name, "pid": one.pid, "url": one.url, "metrics": metrics_url(one)} for one in running]
    write_private(folder / _NAME, json.dumps(entries, indent=2) + "\n")
    # also of those that do not run just now: that they do not answer is news
    targets = [
        {
            "targets": [urlsplit(url).netloc],
            "labels": {"system": "penstock", "job": one.name.rpartition("-")[0], "instance": one.name},
        }
        for one in processes
        if (url := metrics_url(one))
    ]
    write_private(folder / _TARGETS, json.dumps(targets, indent=2) + "\n")


def metrics_url(process: Process) -> str | None:
    """Of a service: those have a number."""
    return f"{process.url}/metrics" if process.url and "-" in process.name else None


def with_token(folder: Path, nats_url: str) -> str:
    """The address of NATS; with its token, if it is that of this user's `penstock up` in the folder."""
    try:
        if (folder / _NAME).stat().st_uid != os.getuid():
            return nats_url
        entries = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        running = next(str(one["url"]) for one in entries if one["name"] == "nats")
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return nats_url
    asked = nats_url.replace("//localhost:", "//127.0.0.1:")
    return running if without_credentials(running) == asked else nats_url
