"""How this system connects to NATS, and what the server must offer before work begins."""

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from penstock.cancelling import own_cancellation, stop
from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.storage import NotPermitted
from penstock.printable import without_credentials
from penstock.settings import Settings

log = logging.getLogger(__name__)

#: What a message carries around a request body: input of a step with outputs of others, headers, JSON escapes.
_ENVELOPE = 1024 * 1024
#: Seconds.
_MOMENT = 0.05


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
    if settings.nats_token:
        options["token"] = settings.nats_token.get_secret_value()
    if settings.nats_user and settings.nats_password:
        # answers go where only this user may listen (`penstock nats-config`)
        password = settings.nats_password.get_secret_value()
        options |= {"user": settings.nats_user, "password": password, "inbox_prefix": inbox(settings.nats_user)}
    if settings.nats_ca or settings.nats_cert:
        options["tls"] = _trusting(settings)
    return options


def inbox(user: str) -> str:
    """Where a user's answers go: so none can hear those of others."""
    return f"_INBOX.{user}"


def _trusting(settings: Settings) -> ssl.SSLContext:
    """Raises Misconfigured for a file that has no certificate or key, or not the one that belongs to the other."""
    try:
        context = ssl.create_default_context(cafile=settings.nats_ca)
        if settings.nats_cert:
            context.load_cert_chain(settings.nats_cert, settings.nats_key)
    except (ssl.SSLError, OSError) as error:
        raise Misconfigured(
            f"PENSTOCK_NATS_CA, PENSTOCK_NATS_CERT or PENSTOCK_NATS_KEY cannot be used: {error}"
        ) from None
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


def mended(connection: Client) -> Client:
    """The same connection, without what docs/nats-py.md says would end it, or would not.

    Subjects that are no UTF-8 are read with U+FFFD, and headers that are none as none: nats-py's read loop ends at such
    a message, and JetStream would deliver it again and again, so one message of a caller would cut off every
    aggregator. A job's id as it is read now is no token, and refused like others.

    Who asks for TLS (`tls://`, PENSTOCK_NATS_CA) sends no password to a server that offers none: nats-py would, so that
    whoever stands in between need only leave it out.

    `close` ends it for certain, also while it reconnects. A request takes two thirds of the CPU: nats-py draws a random
    name for each, and waits in a task's time-out instead of a timer. One that the server does not permit fails at once.

    What else the server says against it, such as that a password is no longer the right one, loses the connection, and
    it is made again once the server lets it: nats-py would close it for ever.
    """
    build, read, close = connection._build_message, connection._process_headers, connection.close
    inform, introduce = connection._process_info, connection._process_connect_init

    def built(sid: int, subject: bytes, *others: Any) -> Any:
        return build(sid, subject.decode(errors="replace").encode(), *others)

    async def headers_of(block: bytes) -> dict[str, str] | None:
        with suppress(IndexError, UnicodeDecodeError):
            return await read(block)
        return None

    async def closed() -> None:
        while (reconnecting := connection._reconnection_task) and not reconnecting.done():
            await stop(reconnecting)
            connection._status = Client.RECONNECTING  # what is said to be closed is not closed again
        with own_cancellation():
            await close()

    async def informed(info: dict[str, Any], initial_connection: bool = False) -> None:
        scheme = connection._current_server.uri.scheme if connection._current_server else "wss"
        wanted = scheme == "tls" or (scheme == "nats" and "tls" in connection.options)
        if initial_connection and wanted and not info.get("tls_required"):
            raise nats.errors.Error("nats: TLS is asked for, and the server offers none")
        await inform(info, initial_connection)

    async def introduced() -> None:
        try:
            await introduce()
        except BaseException:
            if connection._transport:  # one at each try would be left open
                connection._transport.close()  # type: ignore[no-untyped-call]
            raise

    numbers, wanted_of = itertools.count(), dict[str, str]()

    async def failed(err_msg: str) -> None:
        error = nats.errors.Error("nats: " + err_msg.strip("'"))
        await connection._error_cb(error)
        if "permissions violation" not in err_msg:
            await connection._process_op_err(error)
            return
        for token, subject in wanted_of.items():
            if f'for publish to "{subject.lower()}"' in err_msg:
                _fail(connection._resp_map[token], NotPermitted(str(error)))

    async def asked(subject: str, payload: bytes, timeout: float = 1, headers: dict[str, Any] | None = None) -> Any:
        if connection.is_draining_pubs:
            raise nats.errors.ConnectionDrainingError
        if not connection._resp_sub_prefix:
            await connection._init_request_sub()
        prefix, waiting, token = connection._resp_sub_prefix or b"", connection._resp_map, str(next(numbers))
        loop = asyncio.get_running_loop()
        answer = waiting[token] = loop.create_future()
        wanted_of[token] = subject
        timer = loop.call_at(due := loop.time() + timeout, _out_of_time, answer, due)
        try:
            await connection.publish(subject, payload, reply=prefix.decode() + token, headers=headers)
            return await answer
        finally:
            timer.cancel()
            del waiting[token], wanted_of[token]

    connection._process_info = informed  # type: ignore[method-assign]
    connection._process_connect_init = introduced  # type: ignore[method-assign]
    connection._process_err = failed  # type: ignore[method-assign]
    connection._request_new_style = asked  # type: ignore[method-assign]
    connection._build_message = built  # type: ignore[method-assign, assignment]
    connection._process_headers = headers_of  # type: ignore[method-assign, assignment]
    connection.close = closed  # type: ignore[method-assign]
    return connection


def _out_of_time(answer: asyncio.Future[Any], due: float) -> None:
    """Where this process stood still, what has come meanwhile is read first."""
    loop = asyncio.get_running_loop()
    if loop.time() - due < _MOMENT:
        _fail(answer, nats.errors.TimeoutError())
    else:
        loop.call_later(_MOMENT, _fail, answer, nats.errors.TimeoutError())


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


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
