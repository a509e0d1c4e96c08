"""Writing answers: the JSON envelope, and cached static data."""

import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
REVALIDATE = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
COMPRESS_FROM_BYTES = 1_400  # less fits one packet anyway


def success(data: Any, status: int = 200) -> Response:
    """``{"status": …, "data": …}``, not cached."""
    return Response(
        _encode({"status": status, "data": data}), status, NO_STORE, media_type="application/json"
    )


def accepts_gzip(request: Request) -> bool:
    """Whether the client takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


class Document:
    """Encoded JSON that is served many times: compressed once, known by its ETag."""

    def __init__(self, data: Any) -> None:
        self.plain = _encode({"status": 200, "data": data})
        self.packed = gzip.compress(self.plain, 6) if len(self.plain) >= COMPRESS_FROM_BYTES else None
        self.etag = f'"{hashlib.blake2b(self.plain, digest_size=12).hexdigest()}"'

    def response(self, request: Request) -> Response:
        """The document, or 304 where the client has it."""
        return cached(request, self.etag, self.plain, lambda: self.packed)


def matches(request: Request, etag: str) -> bool:
    """Whether ``If-None-Match`` names this tag."""
    asked = request.headers.get("if-none-match")
    if asked is None:
        return False
    return asked == "*" or etag in (each.strip().removeprefix("W/") for each in asked.split(","))


def cached(request: Request, etag: str, plain: bytes, packed: Callable[[], bytes | None]) -> Response:
    """An encoded JSON answer, compressed where the client takes that; or 304 where the client has it."""
    headers = {**REVALIDATE, "ETag": etag}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    body = packed() if accepts_gzip(request) else None
    if body is None:
        return Response(plain, 200, headers, media_type="application/json")
    return Response(body, 200, {**headers, "Content-Encoding": "gzip"}, media_type="application/json")
