"""Ports of this machine."""

import errno
import os
import random
import socket
import sys
from collections import deque
from contextlib import suppress

from penstock.errors import Misconfigured

#: Below those that systems give to connections: what is free now is not taken by one before it is listened on.
_CHOSEN = range(15_000, 32_000)
_TRIES = 50
#: Sockets (file descriptors) of what was chosen last: no process chooses it anew before it is listened on.
_keepers = deque[int]()
#: Elsewhere than on Linux a server could not have what is kept.
_MOST_KEPT = 128 if sys.platform == "linux" else 0


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else a free port of 127.0.0.1, for who sets SO_REUSEADDR, as servers do."""
    if preferred:
        with suppress(OSError):
            return _bound("127.0.0.1", preferred)
    for port in random.sample(_CHOSEN, _TRIES):
        with suppress(OSError):
            return _keep(port)
    return _keep(0)


def _keep(port: int) -> int:
    keeper = socket.socket()
    try:
        keeper.bind(("127.0.0.1", port))  # refused where another has it, or keeps it
    except OSError:
        keeper.close()
        raise
    chosen = int(keeper.getsockname()[1])
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _keepers.append(keeper.detach())  # closed with this process
    while len(_keepers) > _MOST_KEPT:
        os.close(_keepers.popleft())
    return chosen


def refuse_taken(host: str, port: int, *, named: tuple[str, str]) -> None:
    """Raises Misconfigured where `host`:`port` cannot be listened on. `named`: how the user sets either."""
    try:
        _bound(host, port)
    except OSError as error:
        wrong = named[error.errno in (errno.EADDRINUSE, errno.EACCES)]
        raise Misconfigured(f"cannot listen on {host}:{port} ({error.strerror}): set {wrong}") from error


def _bound(host: str, port: int) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()
        return int(probe.getsockname()[1])
