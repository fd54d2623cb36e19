"""How this system connects to NATS, and what the server must offer before work begins."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from penstock.cancelling import stop
from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.mended import mended
from penstock.jetstream.renewed import Renewed
from penstock.printable import without_credentials
from penstock.settings import Settings
from penstock.settings.secret_file import SecretFile

log = logging.getLogger(__name__)

#: What a message carries around a request body: input of a step with outputs of others, headers, JSON escapes.
_ENVELOPE = 1024 * 1024


def connect_options(settings: Settings, name: str) -> dict[str, Any]:
    """Keyword arguments of `nats.connect` (and of FastStream's broker)."""
    options: dict[str, Any] = {
        "servers": [server.strip() for server in settings.nats_url.split(",")],
        "name": name,
        # never give up: the default stops after two minutes, and the process would run on and receive nothing
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "connect_timeout": 5,
        # a connection is given up at the third ping without an answer to the first
        "ping_interval": settings.nats_ping_interval,
        "max_outstanding_pings": 2,
    }
    if settings.nats_credentials:
        options["user_credentials"] = str(settings.nats_credentials)
    # what comes from a file, that of a .creds file among it, is read again at each connection
    if file := settings.nats_token_file:
        options["token"] = SecretFile(file, "PENSTOCK_NATS_TOKEN_FILE")
    elif settings.nats_token:
        options["token"] = settings.nats_token.get_secret_value()
    if settings.nats_user:
        # answers go where only this user may listen (`penstock nats-config`)
        options |= {"user": settings.nats_user, "inbox_prefix": inbox(settings.nats_user)}
    if file := settings.nats_password_file:
        options["password"] = SecretFile(file, "PENSTOCK_NATS_PASSWORD_FILE")
    elif settings.nats_password:
        options["password"] = settings.nats_password.get_secret_value()
    if settings.nats_ca or settings.nats_cert:
        try:
            options["tls"] = Renewed.by(partial(_trusting, settings))
        except (ssl.SSLError, OSError) as error:
            raise Misconfigured(
                f"PENSTOCK_NATS_CA, PENSTOCK_NATS_CERT or PENSTOCK_NATS_KEY cannot be used: {error}"
            ) from None
    return options


def inbox(user: str) -> str:
    """Where a user's answers go: so none can hear those of others."""
    return f"_INBOX.{user}"


def _trusting(settings: Settings) -> ssl.SSLContext:
    """Raises SSLError or OSError for a file that has no certificate or key, or not that which belongs to the other."""
    context = ssl.create_default_context(cafile=settings.nats_ca)
    if settings.nats_cert:
        context.load_cert_chain(settings.nats_cert, settings.nats_key)
    return context


async def connect(settings: Settings, name: str, heard: Callable[[Exception], None] = lambda _: None) -> Bus:
    """A connection of one's own, without FastStream. Close it with `bus.connection.close()`.

    `heard` is told the client's own errors: while it is not connected, why.
    """

    async def told(error: Exception) -> None:
        heard(error)
        await report(error)

    connection = mended(Client())
    bus = Bus(connection, timeout=settings.nats_timeout)
    options = connect_options(settings, name) | {"reconnected_cb": bus.reconnected, "error_cb": told}
    connecting = asyncio.create_task(connection.connect(**options))
    try:
        await asyncio.shield(connecting)
    except BaseException:
        await stop(connecting)  # for certain: it may forget a cancellation
        await connection.close()
        raise
    return bus


def told_apart(settings: Settings, why: str) -> str:
    """A sentence for a connection that cannot be made: what was said, and which settings are about that."""
    server = without_credentials(settings.nats_url)
    if "authorization" in why.lower():
        ours = "PENSTOCK_NATS_USER and PENSTOCK_NATS_PASSWORD, PENSTOCK_NATS_TOKEN or PENSTOCK_NATS_CREDENTIALS"
        return f"NATS at {server} does not let us in ({why}): set {ours}, or PENSTOCK_DATA for that of `penstock up`"
    if "certificate" in why.lower():
        ours = "PENSTOCK_NATS_CA says whose certificate the server's may be of, PENSTOCK_NATS_CERT which is ours"
        return f"NATS at {server} cannot be spoken to by TLS ({why}): {ours}"
    return f"NATS does not answer at {server} ({why}); PENSTOCK_NATS_URL says where it is"


async def report(error: Exception) -> None:
    """The client's `error_cb`: its own errors go to the log instead of to standard error."""
    log.warning("NATS client: %s", str(error) or type(error).__name__)


async def check_server(bus: Bus, settings: Settings, *, patience: float = 60.0) -> None:
    """Wait until the streams are declared; see that the server takes our messages, and what time it has.

    Raises Misconfigured after `patience` seconds, saying what is missing.
    """
    needed = settings.max_body + _ENVELOPE
    if bus.connection.max_payload < needed:
        raise Misconfigured(
            f"NATS takes messages of {bus.connection.max_payload} bytes; {needed} are needed for PENSTOCK_MAX_BODY="
            f"{settings.max_body}. Raise max_payload in the server's configuration, or lower PENSTOCK_MAX_BODY."
        )
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            for stream in subjects.STREAMS:
                await bus.jetstream.stream_info(stream)
            await bus.time.read(bus.connection)
            return
        except NotFoundError:
            missing = f"stream {stream} does not exist: run `penstock streams` to declare the streams"
        except Exception as error:
            missing = f"JetStream does not answer: {error!r}"
        if asyncio.get_running_loop().time() > deadline:
            raise Misconfigured(missing)
        log.info("waiting: %s", missing)
        await asyncio.sleep(0.5)
