"""No answer at all: the connection closes without a byte, as if a machine died or a network broke."""

import asyncio

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "jari.sandbox.abort"
CLOSING_SECONDS = 5.0
BAD_GATEWAY = 502


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's protocol with one ASGI extension: a way to close the connection at once."""

    def on_message_begin(self) -> None:
        """Give each request the way to end its connection."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class NoAnswer(Response):
    """Closes the connection instead of answering.

    A server that cannot do so answers 502 without a body of the gateway's, like a proxy whose gateway died. To the shop
    both mean the same: nobody knows.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection."""
        extension = scope.get("extensions", {}).get(ABORT)
        if extension is None:
            await PlainTextResponse("The gateway dropped the call.", BAD_GATEWAY)(scope, receive, send)
            return
        extension["abort"]()
        # uvicorn answers 500 if the application returns before the connection is gone.
        async with asyncio.timeout(CLOSING_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
