"""The HTTP server: uvicorn, told to end its streams as soon as it is told to end."""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from jari.settings import BadSetting, Settings
from jari.web.streams import Hub


class Server(uvicorn.Server):
    """Ends the streams from the signal itself: uvicorn waits for open responses before its lifespan ends."""

    def __init__(self, app: ASGIApp, hub: Hub, settings: Settings) -> None:
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
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )
        super().__init__(config)
        self._hub = hub
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
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._hub.close)
        super().handle_exit(sig, frame)
        if sig == signal.SIGTERM:
            self._captured_signals.clear()  # an asked-for end is no failure: exit with 0
