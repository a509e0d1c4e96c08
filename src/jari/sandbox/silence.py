"""No answer at all: the connection closes without a byte, as when a machine dies or a network breaks."""

import asyncio

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "jari.sandbox.abort"
CLOSING_SECONDS = 5.0
BAD_GATEWAY = 502


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with one extension to ASGI: a way to close the connection at once."""

    def on_message_begin(self) -> None:
        """Let each request carry the way to end its connection."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class NoAnswer(Response):
    """Closes the connection instead of answering.

    Under a server that cannot, it answers 502 without a body that the gateway would have written, as a proxy
    does whose gateway died: to the shop both mean that nobody knows.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be silent."""
        extension = scope.get("extensions", {}).get(ABORT)
        if extension is None:
            await PlainTextResponse("The gateway dropped the call.", BAD_GATEWAY)(scope, receive, send)
            return
        extension["abort"]()
        # Whoever returns before the connection is gone makes uvicorn answer 500.
        async with asyncio.timeout(CLOSING_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
