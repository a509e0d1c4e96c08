"""The HTTP server: uvicorn with our protocol. When told to end, it ends its streams at once, and itself in time."""

import asyncio
import dataclasses
import errno
import os
import resource
import signal
import socket
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from jari import metrics
from jari.settings import ServerSettings
from jari.web.addresses import Proxies
from jari.web.deadlines import Deadlines
from jari.web.draining import Drain
from jari.web.live.streams import Hub
from jari.web.protocol import protocol_class
from jari.web.workers import Worker

log = structlog.get_logger()

ANSWER_SECONDS = 0.5  # to send the last answers before uvicorn cuts their connections
TICKS_PER_SECOND = 10  # of uvicorn
REMEDY = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower JARI_MAX_CONNECTIONS"
OTHER_DESCRIPTORS = 200  # what a process needs besides connections: its database, its gateway, files


class Server(uvicorn.Server):
    """Ends the streams when the signal comes. uvicorn would first wait for all open responses, streams among them."""

    def __init__(
        self,
        app: ASGIApp,
        hub: Hub,
        deadlines: Deadlines,
        drain: Drain,
        settings: ServerSettings,
        worker: Worker | None = None,
    ) -> None:
        settings = _within_descriptors(settings)
        config = uvicorn.Config(
            app,
            interface="asgi3",
            loop="uvloop",
            http=protocol_class(settings, Proxies.parse(settings.trusted_proxies), drain),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=_headers_of_every_answer(settings),
            proxy_headers=False,  # our protocol reads them
            backlog=settings.connection_backlog,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.shutdown_seconds + ANSWER_SECONDS,  # type: ignore[arg-type]
        )
        super().__init__(config)
        self._hub = hub
        self._deadlines = deadlines
        self._drain = drain
        self._settings = settings
        self._worker = worker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_descriptors = True
        self._accepting: set[asyncio.Task[Any]] = set()
        metrics.connections.set_function(lambda: len(self.server_state.connections))

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal says to end."""
        self._loop = asyncio.get_running_loop()
        if self._worker is not None:
            self._loop.add_reader(self._worker.orphaned, self._end_as_orphan)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self._worker is not None:
            self._worker.tell_alive()
            log.info("worker_started")
        elif sockets:
            host, port = sockets[0].getsockname()[:2]
            log.info("started", host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything in order. After a drain, first take those who wait to be accepted: they would be reset."""
        if self._drain.has_begun:
            for listening in sockets or ():
                self._accept_who_waits(listening)
            if self._accepting:  # uvicorn tells the connections that it knows to end
                await asyncio.wait(self._accepting)
        await super().shutdown(sockets)

    def _accept_who_waits(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listening.settimeout(0)
        with suppress(OSError):  # nobody waits any more, or no descriptor is left
            for _ in range(self._settings.connection_backlog):
                client, _address = listening.accept()
                accepting = loop.create_task(loop.connect_accepted_socket(self._protocol, client))
                self._accepting.add(accepting)
                accepting.add_done_callback(self._accepting.discard)

    def _protocol(self) -> asyncio.Protocol:
        """One more connection's protocol, as uvicorn makes them."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def on_tick(self, counter: int) -> bool:
        """Once a second, look whether any descriptor is left, and tell the parent that the event loop turns."""
        if counter % TICKS_PER_SECOND == 0:
            self._look_for_descriptors()
            if self._worker is not None:
                self._worker.tell_alive()
        return await super().on_tick(counter)

    def _look_for_descriptors(self) -> None:
        """Log when no descriptor is left: the loop then resets new connections silently."""
        had, self._has_descriptors = self._has_descriptors, _is_descriptor_left()
        if had and not self._has_descriptors:
            log.error("out_of_descriptors", connections=len(self.server_state.connections), remedy=REMEDY)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGTERM or SIGINT. A second SIGINT ends at once. A worker ignores SIGINT, which its parent handles.

        Behind a proxy the first SIGTERM begins the drain. When the drain is over, or at any other signal, the end comes.
        """
        if self._worker is not None and sig == signal.SIGINT:
            return
        if (
            self._loop is not None
            and sig == signal.SIGTERM
            and self._settings.drains
            and not self._drain.has_begun
        ):
            self._drain.has_begun = True
            self._loop.call_soon_threadsafe(
                self._loop.call_later, self._settings.drain_seconds, self.handle_exit, sig, None
            )
            return
        if self._loop is not None and not self.should_exit:
            self._loop.call_soon_threadsafe(self._end)
        super().handle_exit(sig, frame)
        if sig == signal.SIGTERM:
            self._captured_signals.clear()  # the operator asked for this end: exit with 0

    def _end_as_orphan(self) -> None:
        """End when the parent is gone: nobody could replace or end this worker any more."""
        if self._worker is not None and self._loop is not None:
            self._loop.remove_reader(self._worker.orphaned)
        log.error("parent_died")
        self.handle_exit(signal.SIGTERM, None)

    def _end(self) -> None:
        """End the streams now, and give up unanswered requests when their time is over.

        Then everything is closed in order. A silent store could hold that up, so a timer ends the process by force.
        """
        self._hub.close()
        asyncio.get_running_loop().call_later(self._settings.shutdown_seconds, self._deadlines.end)
        last = threading.Timer(
            self._settings.shutdown_seconds + self._settings.shutdown_margin_seconds, _end_by_force
        )
        last.daemon = True
        last.start()


def warn_of_proxies(settings: ServerSettings) -> None:
    """Log that no proxy is trusted. Whoever runs jari behind a proxy must know."""
    if settings.trusted_proxies:
        return
    log.info(
        "no_proxy_trusted",
        meaning="X-Forwarded-For is believed from nobody: behind a proxy all clients are one address",
        remedy="behind a proxy, name it in JARI_TRUSTED_PROXIES",
    )


def _end_by_force() -> None:
    """End the process at once. Nothing acknowledged is lost: jari acknowledges only what is durable."""
    log.error("ended_by_force", remedy="see why the database did not answer")
    os._exit(0)


def _within_descriptors(settings: ServerSettings) -> ServerSettings:
    """Raise the limit of descriptors to what the connections need. Where the system refuses, allow fewer connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    others = settings.spare_connections + OTHER_DESCRIPTORS
    wanted = settings.max_connections + others
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return settings
    connections = max(allowed - others, 1)
    log.warning("few_descriptors", limit=allowed, wanted=wanted, connections=connections, remedy=REMEDY)
    return dataclasses.replace(settings, max_connections=connections)


def _is_descriptor_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in {errno.EMFILE, errno.ENFILE}
    return True


def _headers_of_every_answer(settings: ServerSettings) -> list[tuple[str, str]]:
    headers = [("X-Content-Type-Options", "nosniff")]
    if settings.public_url.startswith("https:"):
        headers.append(("Strict-Transport-Security", f"max-age={settings.strict_transport_seconds}"))
    return headers
