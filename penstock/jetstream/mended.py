"""A connection of nats-py without what docs/nats-py.md says of it."""

import asyncio
import itertools
from contextlib import suppress
from typing import Any

import nats.errors
from nats.aio.client import PING_PROTO, Client
from nats.aio.msg import Msg

from penstock.cancelling import own_cancellation, stop
from penstock.jetstream.hearing import subscribe
from penstock.jetstream.storage import NotPermitted

#: Seconds that what was read late may take to be handled.
_MOMENT = 0.05
#: What stands around names and values of headers.
_BLANK = " \t\n\r\v\f"


def mended(connection: Client) -> Client:
    """The same connection, without what docs/nats-py.md says would end it, or would not.

    Subjects that are no UTF-8 are read with U+FFFD, and headers that are none as none: nats-py's read loop ends at such
    a message, and JetStream would deliver it again and again, so one message of a caller would cut off every
    aggregator. A job's id as it is read now is no token, and refused like others.

    Who asks for TLS (`tls://`, PENSTOCK_NATS_CA) sends no password to a server that offers none: nats-py would, so that
    whoever stands in between need only leave it out.

    An error after which the server closes a connection, such as `Authentication Revoked` where a password was replaced,
    ends it for ever with nats-py: the process would run on and receive nothing. It reconnects, by what its files have.

    `close` ends it for certain, also while it reconnects. A request takes half of the CPU: nats-py draws a random name
    for each, waits in a task's time-out instead of a timer, and has a task take its answer from a queue; and headers
    are read in a quarter of the time, since nats-py looks at each character of their names. A request that the server
    does not permit fails at once. A `flush` comes behind what was sent before it: nats-py's overtakes what its task
    that writes has not written yet.
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

    async def pinged(pong: asyncio.Future[Any] | None = None) -> None:
        connection._pongs.append(pong or asyncio.get_running_loop().create_future())
        await connection._send_command(PING_PROTO)
        await connection._flush_pending()

    async def introduced() -> None:
        try:
            await introduce()
        except BaseException:
            if connection._transport:  # one at each try would be left open
                connection._transport.close()  # type: ignore[no-untyped-call]
            raise

    #: By the last token of where their answers go: the subject of each request, and who waits.
    numbers, waiting = itertools.count(), dict[str, tuple[str, asyncio.Future[Msg]]]()

    def answered(message: Msg) -> None:
        _, answer = waiting.get(message.subject.rpartition(".")[2], ("", None))
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def failed(err_msg: str) -> None:
        error = nats.errors.Error("nats: " + err_msg.strip("'"))
        await connection._error_cb(error)
        if "permissions violation" not in err_msg:
            await connection._process_op_err(error)
            return
        for subject, answer in waiting.values():
            if f'for publish to "{subject.lower()}"' in err_msg:
                _fail(answer, NotPermitted(str(error)))

    async def asked(subject: str, payload: bytes, timeout: float = 1, headers: dict[str, Any] | None = None) -> Any:
        if connection.is_draining_pubs:
            raise nats.errors.ConnectionDrainingError
        if not connection._resp_sub_prefix:
            connection._resp_sub_prefix = bytearray(f"{connection.new_inbox()}.".encode())
            await subscribe(connection, f"{connection._resp_sub_prefix.decode()}*", answered)
        prefix, token = connection._resp_sub_prefix, str(next(numbers))
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        waiting[token] = subject, answer
        timer = loop.call_at(due := loop.time() + timeout, _out_of_time, answer, due)
        try:
            await connection.publish(subject, payload, reply=prefix.decode() + token, headers=headers)
            return await answer
        finally:
            timer.cancel()
            del waiting[token]

    connection._send_ping = pinged  # type: ignore[method-assign, assignment]
    connection._parse_header_lines = _header_lines  # type: ignore[method-assign, assignment]
    connection._process_info = informed  # type: ignore[method-assign]
    connection._process_connect_init = introduced  # type: ignore[method-assign]
    connection._process_err = failed  # type: ignore[method-assign]
    connection._request_new_style = asked  # type: ignore[method-assign]
    connection._build_message = built  # type: ignore[method-assign, assignment]
    connection._process_headers = headers_of  # type: ignore[method-assign, assignment]
    connection.close = closed  # type: ignore[method-assign]
    return connection


def _header_lines(block: bytes) -> dict[str, str]:
    """As nats-py reads them: `<name>: <value>` lines; one whose name is no token is left out."""
    found = {}
    for line in block.decode(errors="replace").split("\r\n"):
        name, colon, value = line.partition(":")
        name = name.strip(_BLANK)
        if colon and name.isascii() and name.split() == [name]:
            found[name] = value.strip(_BLANK)
    return found


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
