"""One client's connection: uvicorn's own protocol, with bounds on what a request may cost before it is understood.

A request's head is bounded in size while it arrives; head and body are bounded in time. A connection has one request
under way at a time. If a client sends more before that request is answered, the protocol drops it and ends the
connection after the answer. So nothing queues, and only one cycle must be told when the client has gone.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from jari import metrics
from jari.domain.errors import JariError, Unavailable
from jari.settings import ConnectionSettings
from jari.web.addresses import Address, Proxies, parse_address
from jari.web.draining import Drain
from jari.web.errors import BadRequest, problem
from jari.web.replies import Headers, Reply
from jari.web.shortcuts import READ_WHOLE, WRITE_WHOLE

PROBES = frozenset({b"/livez", b"/readyz", b"/metrics"})  # answered even when there are too many connections
FULL_RETRY_SECONDS = 5
SCHEMES = {b"http": "http", b"https": "https"}

MALFORMED = BadRequest(
    "This is no HTTP/1.1 request, so nothing was done: send one.",
    status=400,
    code="MALFORMED_REQUEST",
    title="Not HTTP",
)
TOO_SLOW = BadRequest(
    "The request did not arrive whole in time, so nothing was done: send it again.",
    status=408,
    code="REQUEST_TIMEOUT",
    title="The request came too slowly",
)
TOO_LONG_URL = BadRequest(
    "The address is longer than this server reads: ask for less at once.",
    status=414,
    code="URL_TOO_LONG",
    title="The address is too long",
)
TOO_LARGE_HEAD = BadRequest(
    "The headers are larger, or more, than this server reads: send less, for instance fewer cookies.",
    status=431,
    code="HEADERS_TOO_LARGE",
    title="The headers are too large",
)

NO_ROOM = Unavailable(
    "This server has as many connections as it can serve: try again in a moment.",
    retry_after_seconds=FULL_RETRY_SECONDS,
)


class Stage(Enum):
    """Which part of a request the connection waits for."""

    HEAD = auto()
    BODY = auto()
    NOTHING = auto()  # the request is whole; after its answer a new one may come


HEAD, BODY, NOTHING = Stage  # every request compares with these several times; a look-up in the class is slow


class Behind(Exception):
    """The client began a request before its last one was answered."""


class Refused(Exception):
    """The protocol itself refuses the request. It raises no shared refusal: that would keep its traceback alive."""

    def __init__(self, refusal: JariError) -> None:
        super().__init__()
        self.refusal = refusal


class Standing:
    """The headers of every answer, as they are written. uvicorn makes their list anew once a second."""

    def __init__(self) -> None:
        self._headers: Headers = []
        self._lines = b""

    def lines(self, headers: Headers) -> bytes:
        """These headers as lines."""
        if headers is not self._headers:
            self._headers, self._lines = headers, _lines(headers)
        return self._lines


class Protocol(HttpToolsProtocol):
    """Speaks HTTP/1.1 with one client."""

    # With uvicorn's attributes these are too many for Python to share one set of dictionary keys among connections.
    __slots__ = (
        "_drain",
        "_is_deaf",
        "_peer",
        "_peer_is_proxy",
        "_proxies",
        "_settings",
        "_stage",
        "_standing",
        "_timed",
        "_timer",
        "_unread_bytes",
        "_unread_timer",
    )

    def __init__(
        self,
        *,
        settings: ConnectionSettings,
        proxies: Proxies,
        drain: Drain,
        standing: Standing,
        **uvicorn: Any,
    ) -> None:
        super().__init__(**uvicorn)
        self._standing = standing
        self._settings = settings
        self._drain = drain
        self._proxies = proxies
        self._peer: Address | None = None
        self._peer_is_proxy = False
        self._stage = HEAD
        self._timed: Stage | None = None  # the stage that the timer bounds
        self._timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0  # of an unfinished head, of trailers, or of a body's framing
        self._is_deaf = False  # whether to drop whatever else the client sends
        self._unread_timer: asyncio.TimerHandle | None = None  # runs while the client has not read an answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._settings.max_connections + self._settings.spare_connections:
            transport.abort()  # else the database and the gateway would get no descriptor
            return
        if self.client is not None and (peer := parse_address(self.client[0])) is not None:
            self._peer, self._peer_is_proxy = peer, peer in self._proxies
            self.client = str(peer), self.client[1]
        self._keep_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request under way, if any, that its client has gone."""
        self._stop_timer()
        self._stop_unread_timer()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends next."""
        if self._is_deaf:
            return
        self._unset_keepalive_if_required()
        self._unread_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # the client asks for another protocol; answer, and end
            self._end_with_answer()
        except httptools.HttpParserError as error:
            self._stop_reading(error)
        else:
            if self._unread_bytes > self._settings.max_request_head_bytes and self._stage is not NOTHING:
                self._refuse(self._too_large())
        if not self._is_deaf:
            self._keep_time()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write: bound its time."""
        super().pause_writing()
        self._bound_reading()

    def resume_writing(self) -> None:
        """The client has read. Stop its timer, unless the answer is complete: then its last part keeps its time."""
        super().resume_writing()
        if self._is_answering:
            self._stop_unread_timer()

    def on_response_complete(self) -> None:
        """The answer is written whole. Bound the time in which the client reads it."""
        super().on_response_complete()
        self._bound_reading()

    # What the parser reports

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._is_answering:
            raise Behind
        self._unset_keepalive_if_required()
        if not self.transport.get_write_buffer_size():
            self._stop_unread_timer()
        self._stage = HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large or too many connections are open."""
        if self._is_head_too_large():
            raise Refused(self._too_large())
        if self._peer_is_proxy:
            self._believe_proxy()
        is_full = len(self.connections) > self._settings.max_connections
        if is_full and self.url.partition(b"?")[0] not in PROBES:
            raise Refused(NO_ROOM)
        self.scope[READ_WHOLE] = self._read_whole  # type: ignore[literal-required]
        self.scope[WRITE_WHOLE] = self._write_whole  # type: ignore[literal-required]
        super().on_headers_complete()
        # The next probe shall find this place free, and the next request another server.
        if is_full or self._drain.has_begun:
            self.cycle.keep_alive = False
        self._stage, self._unread_bytes = BODY, 0
        self.headers = []  # trailers are collected here; they are not the request's headers

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._stage, self._unread_bytes = NOTHING, 0
        super().on_message_complete()
        if not self._is_answering:  # the answer came first, and the body stopped the keep-alive timer
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # Limits

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_head_too_large(self) -> bool:
        """Whether a whole head exceeds the limits. Unread bytes alone prove nothing: a part of the body may be among them."""
        limit = self._settings.max_request_head_bytes
        if len(self.headers) > self._settings.max_request_headers:
            return True
        return (
            self._unread_bytes > limit
            and len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > limit
        )

    def _too_large(self) -> BadRequest:
        is_url = self._stage is HEAD and len(self.url) * 2 > self._settings.max_request_head_bytes
        return TOO_LONG_URL if is_url else TOO_LARGE_HEAD

    def _keep_time(self) -> None:
        """Bound the time of the stage. Nearly all requests come whole, and need no timer."""
        if self._stage is NOTHING and not self._is_answering and self.timeout_keep_alive_task is None:
            self._stage = HEAD  # bytes came, but no request has begun
        if self._stage is self._timed:
            return
        self._stop_timer()
        if self._stage is not NOTHING:
            settings = self._settings
            seconds = settings.request_head_seconds if self._stage is HEAD else settings.request_body_seconds
            self._timer = self.loop.call_later(seconds, self._out_of_time)
            self._timed = self._stage

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._timed = None

    def _bound_reading(self) -> None:
        """Bound the time in which the client reads what is written."""
        if self._unread_timer is None and self.transport.get_write_buffer_size():
            self._unread_timer = self.loop.call_later(self._settings.answer_seconds, self._out_of_patience)

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _out_of_patience(self) -> None:
        """Drop a client that does not read. An ordinary close would wait for it."""
        self._unread_timer = None
        is_stream = self._is_answering and self.cycle.chunked_encoding  # the hub looks after streams
        if self.transport.get_write_buffer_size() and not is_stream:
            self.transport.abort()

    def _out_of_time(self) -> None:
        if self._stage is HEAD and not self._unread_bytes:
            self.transport.close()  # nothing was asked, so there is nothing to answer
        else:
            self._refuse(TOO_SLOW)

    # How it ends

    def shutdown(self) -> None:
        """The server ends: close the connection if no request is under way, else after the answer.

        After a drain, a request that comes soon is still answered: the proxy has perhaps sent it already, and would not
        repeat what may have been heard.
        """
        if not self._drain.has_begun or self._is_answering:
            super().shutdown()
            return
        self._unset_keepalive_if_required()
        self._stop_timer()
        self._stage = self._timed = HEAD
        self._timer = self.loop.call_later(self._settings.linger_seconds, self.transport.close)

    def _stop_reading(self, error: httptools.HttpParserError) -> None:
        """Stop reading: the client sent what is malformed or refused."""
        if self._stage is NOTHING and self._is_answering:
            self._end_with_answer()
            return
        cause = error.__context__  # what `on_message_begin` or `on_headers_complete` raised
        self._refuse(cause.refusal if isinstance(cause, Refused) else MALFORMED)

    def _end_with_answer(self) -> None:
        """End the connection after the answer under way, and drop whatever else comes."""
        self._is_deaf = True
        self._stop_timer()
        self.cycle.keep_alive = False

    def _refuse(self, refusal: JariError) -> None:
        """End the connection. Answer in the application's place, unless an answer has begun."""
        self._is_deaf = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self._stage is not HEAD:  # the application has begun to work on it
            if self.cycle.response_complete:
                self._linger()
                return
            if self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        self.flow.resume_reading()
        reply = problem(refusal)
        metrics.requests.count(reply.status_code)
        self._write(reply, closes=True)
        self._linger()

    def _linger(self) -> None:
        """Close later. A close while the client sends resets the connection, and the client could lose the answer."""
        self.transport.write_eof()
        self._bound_reading()
        self._timer = self.loop.call_later(self._settings.linger_seconds, self.transport.close)

    def _read_whole(self) -> bytes | None:
        """The body of the request under way, if all of it has come: ASGI would take four coroutines to say so."""
        cycle = self.cycle
        if cycle.more_body or cycle.disconnected or cycle.response_complete or cycle.waiting_for_100_continue:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()  # so that whoever waits for more waits until the client goes
        self.flow.resume_reading()
        return body

    def _write_whole(self, reply: Reply) -> bool:
        """Write a whole answer to the request under way; False if it has begun, or its client has gone or does not read.

        ASGI would take two messages, and uvicorn would search each header for what ours do not contain.
        """
        cycle = self.cycle
        if cycle.response_started or cycle.disconnected or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self._write(reply, closes=not cycle.keep_alive, has_body=self.scope["method"] != "HEAD")
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
        return True

    def _write(self, reply: Reply, *, closes: bool, has_body: bool = True) -> None:
        self.transport.write(
            b"%b%b%b%b\r\n%b"
            % (
                STATUS_LINE[reply.status_code],
                self._standing.lines(self.server_state.default_headers),
                _lines(reply.raw_headers),
                b"connection: close\r\n" if closes else b"",
                reply.body if has_body else b"",
            )
        )

    def _believe_proxy(self) -> None:
        """Take the client's address and scheme from a proxy of ours."""
        forwarded_for = []
        for name, value in self.headers:
            if name == b"x-forwarded-for":
                forwarded_for.append(value)
            elif name == b"x-forwarded-proto" and value in SCHEMES:
                self.scope["scheme"] = SCHEMES[value]
        if self._peer is not None and forwarded_for:
            self.scope["client"] = str(self._proxies.client(self._peer, forwarded_for)), 0


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def protocol_class(settings: ConnectionSettings, proxies: Proxies, drain: Drain) -> type[asyncio.Protocol]:
    """The protocol with its settings, as uvicorn's configuration takes it."""
    make: Callable[..., Protocol] = partial(
        Protocol, settings=settings, proxies=proxies, drain=drain, standing=Standing()
    )
    return cast("type[asyncio.Protocol]", make)
