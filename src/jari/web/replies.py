"""Replies as they go out: a status, headers and a body that are made once and counted when they are sent."""

import functools

from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from jari import metrics

Headers = list[tuple[bytes, bytes]]

NO_STORE = (b"cache-control", b"no-store")
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")


class Reply:
    """A whole reply, itself an ASGI application; its parts are named as Starlette names them."""

    __slots__ = ("body", "raw_headers", "status_code")

    def __init__(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self.status_code = status
        self.raw_headers = headers
        self.body = body
        if body:
            headers.append((b"content-length", b"%d" % len(body)))

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


@functools.cache
def _counter(status: int) -> Counter:
    return metrics.requests.labels(status)


def count_request(status: int) -> None:
    """Count an answer."""
    _counter(status).inc()
