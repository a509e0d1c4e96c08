"""The HTTP server: uvicorn, told to end its streams as soon as it is told to end, and to end in time."""

import asyncio
import os
import signal
import socket
import threading
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from jari.settings import BadSetting, Settings
from jari.web.deadlines import Deadlines
from jari.web.streams import Hub

log = structlog.get_logger()

ANSWER_SECONDS = 0.5  # for the last answers to be sent, before their connections are cut


class Server(uvicorn.Server):
    """Ends the streams from the signal itself: uvicorn waits for open responses before its lifespan ends."""

    def __init__(self, app: ASGIApp, hub: Hub, deadlines: Deadlines, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            backlog=settings.connection_backlog,
            limit_concurrency=settings.max_connections,
            timeout_graceful_shutdown=settings.shutdown_seconds + ANSWER_SECONDS,  # type: ignore[arg-type]
        )
        super().__init__(config)
        self._hub = hub
        self._deadlines = deadlines
        self._shutdown_seconds = settings.shutdown_seconds
        self._shutdown_margin_seconds = settings.shutdown_margin_seconds
        self._send_buffer_bytes = settings.send_buffer_bytes
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal says to end."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets or [self._listen()])

    def _listen(self) -> socket.socket:
        """The listening socket; the connections that it accepts inherit what is set on it.

        Without TCP_NODELAY an answer's body would wait some 40 ms for the client to acknowledge its headers.
        """
        host, port = self.config.host, self.config.port
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            listening.close()
            raise BadSetting(
                f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another --port."
            ) from error
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        return listening

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGTERM or SIGINT; a second SIGINT does not wait."""
        if self._loop is not None and not self.should_exit:
            self._loop.call_soon_threadsafe(self._end)
        super().handle_exit(sig, frame)
        if sig == signal.SIGTERM:
            self._captured_signals.clear()  # an asked-for end is no failure: exit with 0

    def _end(self) -> None:
        """End the streams now, and what waits for an answer when its time is over.

        Then everything is closed in order; a store that is silent may hold that up for longer than there is.
        """
        self._hub.close()
        asyncio.get_running_loop().call_later(self._shutdown_seconds, self._deadlines.end)
        last = threading.Timer(self._shutdown_seconds + self._shutdown_margin_seconds, _end_by_force)
        last.daemon = True
        last.start()


def _end_by_force() -> None:
    """End the process where it stands. Nothing acknowledged is lost by it: it is durable before it is said."""
    log.error("ended_by_force", remedy="see why the database did not answer")
    os._exit(0)
