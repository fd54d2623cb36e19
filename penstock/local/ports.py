"""Ports of this machine."""

import socket

from penstock.errors import Misconfigured


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else a free port of 127.0.0.1."""
    for port in (preferred, 0):
        try:
            return _bound("127.0.0.1", port)
        except OSError:
            continue
    raise Misconfigured("no free port on 127.0.0.1")


def refuse_taken(host: str, port: int) -> None:
    """Raises Misconfigured where `host`:`port` cannot be listened on."""
    try:
        _bound(host, port)
    except OSError as error:
        why = error.strerror or str(error)
        raise Misconfigured(
            f"cannot listen on {host}:{port} ({why}): choose another with --port; --port 0 takes a free one"
        ) from error


def _bound(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
