"""One HTTP connection: uvicorn's, with bounds on bytes, time and number that uvicorn does not have."""

import asyncio
import resource
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from penstock import correlation
from penstock.errors import Refused
from penstock.settings import Http

#: Bytes of a head, and of what else comes between two bytes of a body (sizes and extensions of chunks, trailers).
_MAX_OVERHEAD = 64 * 1024
_MAX_HEADERS = 100
_TOO_LARGE = ("headers_too_large", f"there may be {_MAX_HEADERS} headers, all together of {_MAX_OVERHEAD} bytes")
#: Requests that may come before the one that is being answered is.
_MAX_PIPELINED = 16
#: Bytes parsed at once: other connections wait no longer than it takes to parse them.
_PARSED = 32 * 1024
#: Seconds for which what still comes is read after the last answer. Closed at once, the connection would be reset,
#: and a client that is still sending would never see that answer.
_LINGER = 5.0
#: Descriptors for what is not HTTP; and connections above the limit on which health is still answered.
_OTHER_DESCRIPTORS, _RESERVE = 64, 16
_HEALTH = ("/livez", "/readyz", "/metrics")


class Connections:
    """All connections of one server. At their limit the one that has been idle for longest gives way to a new one."""

    def __init__(self, settings: Http) -> None:
        self.settings = settings
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        free = descriptors - _OTHER_DESCRIPTORS - _RESERVE if descriptors != resource.RLIM_INFINITY else 2**31
        self._most = max(1, min(settings.max_connections, free))
        self._open: set[Connection] = set()
        #: Those without a whole request, longest idle first; what was answered may still be on its way.
        self._idle: dict[Connection, None] = {}

    @property
    def full(self) -> bool:
        """Whether only the reserve is left."""
        return len(self._open) > self._most

    def opened(self, connection: "Connection") -> None:
        self._open.add(connection)
        self.idle(connection)
        if self.full:
            # one whose reader has not taken its whole answer yet is the write timeout's; itself: all others are busy
            oldest = next(one for one in self._idle if one is connection or not one.transport.get_write_buffer_size())
            if oldest is not connection or len(self._open) > self._most + _RESERVE:
                self.closed(oldest)
                oldest.transport.abort()

    def idle(self, connection: "Connection") -> None:
        if connection in self._open:
            self._idle[connection] = None

    def busy(self, connection: "Connection") -> None:
        self._idle.pop(connection, None)

    def closed(self, connection: "Connection") -> None:
        self._open.discard(connection)
        self.busy(connection)


class _Flow(FlowControl):
    """While `held`, reading is not resumed: there is enough."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """What stands in _MAX_… and in the settings ends it: with a problem where one can still be sent."""

    def __init__(self, *args: Any, connections: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections, self._settings = connections, connections.settings
        self._timer: asyncio.TimerHandle | None = None
        #: Bytes since the begin of the request or its last byte of body.
        self._overhead = 0
        #: Bytes that the reader had left to take when it was last looked at.
        self._untaken = 0
        self._lingering = False
        self._unparsed = b""
        self._refusal: tuple[str, str] | None = None
        #: Bytes to come of the body of a request that offered an upgrade.
        self._body_behind = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._wait(self._settings.header_timeout)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.closed(self)
        self._stop_waiting()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._flow.held:
            self._unparsed += data
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Parse some of it; others have their turn before the rest."""
        piece, self._unparsed = data[:_PARSED], data[_PARSED:]
        if self._lingering or self.transport.is_closing():
            self._unparsed = b""
        else:
            self._overhead += len(piece)
            self._feed(piece)
            if self._overhead > _MAX_OVERHEAD and not self._lingering:
                self._refuse(*_TOO_LARGE)
        self._flow.held = bool(self._unparsed)
        if self._flow.held:
            self._flow.pause_reading()
            self.loop.call_soon(self._parse_rest)

    def _parse_rest(self) -> None:
        self._parse(self._unparsed)
        if not (self._answering and (self.pipeline or len(self.cycle.body) > HIGH_WATER_LIMIT)):
            self._flow.resume_reading()

    def _feed(self, data: bytes) -> None:
        """As uvicorn does, but an upgrade that is offered is not taken: it may be ignored (RFC 9110, 7.8).

        Clients offer HTTP/2 so, with the body behind the head as ever. llhttp takes the request for complete there, and
        reads nothing more.
        """
        self._unset_keepalive_if_required()
        try:
            while data and not self._lingering:
                if self._body_behind:
                    body, data = data[: self._body_behind], data[self._body_behind :]
                    self._body_behind -= len(body)
                    self.on_body(body)
                    if not self._body_behind:
                        super().on_message_complete()
                    continue
                try:
                    return self.parser.feed_data(data)
                except httptools.HttpParserUpgrade as offered:
                    data = data[offered.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
                    given = dict(self.headers)
                    self._body_behind = int(given.get(b"content-length", 0))
                    if b"transfer-encoding" in given:
                        self.send_400_response("a body in chunks cannot follow the offer of an upgrade")
                    elif not self._body_behind:
                        super().on_message_complete()
        except (httptools.HttpParserError, ValueError):
            self.send_400_response("Invalid HTTP request received.")

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():  # else _feed knows when it is
            super().on_message_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._overhead = 0
        if not self._answering:
            self._wait(self._settings.header_timeout)

    def on_headers_complete(self) -> None:
        if len(self.headers) > _MAX_HEADERS or sum(map(len, (self.url, *chain(*self.headers)))) > _MAX_OVERHEAD:
            self._refusal = _TOO_LARGE
        elif len(self.pipeline) >= _MAX_PIPELINED:
            self._refusal = ("bad_request", "too many requests at once")
        if self._refusal is not None:
            raise Refused(*self._refusal)  # which ends in send_400_response
        self._connections.busy(self)
        if not self._answering:
            self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(*(self._refusal or ("bad_request", msg)))

    # What goes out

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._connections.full and cycle.scope["path"] not in _HEALTH:
            self._refuse("overloaded", "there are too many connections; try again later")
        else:
            super()._start_asgi_task(cycle, partial(self._answer, cycle, app))

    async def _answer(self, cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """The application's answer: without chunks for HTTP/1.0, and read also by who has not sent its whole body."""
        plain = cut = False

        async def sending(message: Any) -> None:
            nonlocal plain, cut
            if self.transport.is_closing():  # connection_lost is yet to come, and uvloop raises where it is written to
                cycle.disconnected = True
            if message["type"] == "http.response.start":
                cut = cycle.more_body
                headers = [header for header in message["headers"] if not cut or header[0].lower() != b"connection"]
                message = {**message, "headers": headers + [(b"connection", b"close")] * cut}
                plain = scope["http_version"] == "1.0" and all(name != b"content-length" for name, _ in headers)
                cycle.chunked_encoding = False if plain else None
            elif plain:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)
            if cut:
                cycle.keep_alive = True  # it is closed here
                if cycle.response_complete:
                    self._hang_up()

        await app(scope, receive, sending)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()
        if not self._answering:
            self._connections.idle(self)
            untaken = self.transport.get_write_buffer_size()
            self._wait(self._settings.write_timeout if untaken else self._settings.idle_timeout)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait(self._settings.write_timeout)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answering:
            self._stop_waiting()

    def _refuse(self, code: str, detail: str) -> None:
        """Say why this connection serves nothing more, unless it is in the middle of an answer, and end it."""
        if self._lingering:  # it was said
            return
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected, self.cycle.waiting_for_100_continue = True, False
            self.cycle.message_event.set()
        about = correlation.of_http(self.headers or ())
        problem = correlation.stamped(Refused(code, detail).problem(), about=about)
        body = problem.model_dump_json(by_alias=True).encode()
        known = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        head = (
            f"content-type: application/problem+json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            f"{correlation.REQUEST_ID}: {about.request}\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + known + head.encode() + body)
        self._hang_up()

    def _hang_up(self) -> None:
        self._lingering = True
        self._wait(_LINGER)
        if not self.transport.is_closing():
            self.transport.write_eof() if self.transport.can_write_eof() else self.transport.close()

    def _wait(self, seconds: float) -> None:
        """End the connection if nothing else happens within `seconds`; again, if some of what was sent is taken."""
        self._stop_waiting()
        self._untaken = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(seconds, self._out_of_time, seconds)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _out_of_time(self, seconds: float) -> None:
        if self.transport.get_write_buffer_size() < self._untaken:
            self._wait(seconds)
        else:
            self.app_state.get("slow_reader", int)() if self._untaken else None
            self.transport.abort()


def protocol(settings: Http) -> Callable[..., Connection]:
    """For uvicorn's `http`."""
    return partial(Connection, connections=Connections(settings))
