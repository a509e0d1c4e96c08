"""Replies: a status, headers and a body. Each is made once, and counted when it is sent."""

from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from jari.web.shortcuts import WRITE_WHOLE

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")

NO_CONTENT = frozenset({204, 304})


class Reply:
    """A whole reply, itself an ASGI application; its parts are named as Starlette names them."""

    __slots__ = ("body", "raw_headers", "status_code")

    def __init__(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self.status_code = status
        self.raw_headers = headers
        self.body = body
        if status not in NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Send the reply: in one write where the server can, else by ASGI messages."""
        write_whole: Callable[[Reply], bool] | None = scope.get(WRITE_WHOLE)
        if write_whole is not None and write_whole(self):
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
