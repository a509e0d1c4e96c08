"""Writing answers: the JSON envelope, and cached static data."""

import gzip
import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode

NO_STORE = {"Cache-Control": "no-store"}
REVALIDATE = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
MAX_ENCODINGS_LENGTH = 200  # no client has more to say
COMPRESS_FROM_BYTES = 1_400  # less fits one packet anyway


def success(data: Any, status: int = 200) -> Response:
    """``{"status": …, "data": …}``, not cached."""
    return Response(
        _encode({"status": status, "data": data}), status, NO_STORE, media_type="application/json"
    )


def accepts_gzip(request: Request) -> bool:
    """Whether the client takes gzip."""
    return _takes_gzip(request.headers.get("accept-encoding", "")[:MAX_ENCODINGS_LENGTH])


@lru_cache(maxsize=1_000)  # browsers of the world write it in a few ways
def _takes_gzip(accepted: str) -> bool:
    """Read ``Accept-Encoding``: of gzip what it says of gzip, or else what it says of the rest (RFC 9110)."""
    quality_of = dict(map(_quality, accepted.lower().split(",")))
    return quality_of.get("gzip", quality_of.get("x-gzip", quality_of.get("*", 0))) > 0


def _quality(part: str) -> tuple[str, float]:
    """``gzip;q=0.5`` → gzip, 0.5; what writes no number counts as refused."""
    name, _, rest = part.partition(";")
    weight = rest.replace(" ", "").partition("q=")[2]
    try:
        return name.strip(), float(weight) if rest.strip() else 1
    except ValueError:
        return name.strip(), 0


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
