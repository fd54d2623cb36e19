"""Names to addresses by the system's resolver, in threads of its own.

The event loop's own threads are few and shared (uvloop has four): names whose server does not answer would hold up
all other names, and what else is done there. These are daemons: a process does not wait for them to end.
"""

import asyncio
import socket
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import BoundedSemaphore, Thread

Address = IPv4Address | IPv6Address


class Resolver:
    """At most `threads` look-ups at once, those included that nobody waits for any more."""

    def __init__(self, threads: int) -> None:
        self._free = BoundedSemaphore(threads)

    async def __call__(self, host: str, port: int) -> list[Address]:
        """The host's addresses, each once. Raises OSError or ValueError where there are none, or no thread is free."""
        if not self._free.acquire(blocking=False):
            raise OSError("too many names are being looked up")
        found: Future[list[Address]] = Future()
        thread = Thread(target=self._look_up, args=(found, host, port), name="webhook-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # as many threads as there may be
            self._free.release()
            raise OSError(f"the name cannot be looked up: {error}") from error
        return await asyncio.wrap_future(found)

    def _look_up(self, found: Future[list[Address]], host: str, port: int) -> None:
        try:
            if found.set_running_or_notify_cancel():
                entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.set_result(list(dict.fromkeys(ip_address(entry[4][0]) for entry in entries)))
        except Exception as error:
            found.set_exception(error)
        finally:
            self._free.release()
