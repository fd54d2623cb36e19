"""Ports of this machine."""

import socket

from penstock.errors import Misconfigured


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, else a free port of 127.0.0.1."""
    try:
        return _bound("127.0.0.1", preferred)
    except OSError:
        return _bound("127.0.0.1", 0)


def refuse_taken(host: str, port: int) -> None:
    """Raises Misconfigured where `host`:`port` cannot be listened on."""
    try:
        _bound(host, port)
    except OSError as error:
        why = f"cannot listen on {host}:{port} ({error.strerror or error})"
        raise Misconfigured(f"{why}: choose another with --port; --port 0 takes a free one") from error


def _bound(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as probe:
        return int(probe.getsockname()[1])
