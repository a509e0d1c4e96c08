"""Writes answers: the JSON envelope, and documents that are encoded once and have an ETag."""

import gzip
import hashlib
from functools import lru_cache
from typing import Protocol

import msgspec

from jari.web.replies import JSON, NO_STORE, Headers, Reply

_encode = msgspec.json.Encoder().encode

REVALIDATE = ((b"cache-control", b"no-cache"), (b"vary", b"Accept-Encoding"))
MAX_ENCODINGS_LENGTH = 200  # of a header; no real client sends more
COMPRESS_FROM_BYTES = 1_400  # a smaller body fits one packet anyway


def envelope(data: object, status: int) -> bytes:
    """``{"status": …, "data": …}``."""
    return b'{"status":%d,"data":%b}' % (status, _encode(data))


def success(data: object, status: int = 200, headers: Headers | None = None) -> Reply:
    """An answer that no cache may store."""
    return Reply(status, [NO_STORE, JSON, *(headers or ())], envelope(data, status))


class Encoded(Protocol):
    """JSON that is encoded already, with its ``etag``; ``packed`` is for clients that take gzip."""

    @property
    def etag(self) -> str:
        """The name of this state, in quotes."""

    @property
    def plain(self) -> bytes:
        """The JSON, not compressed."""

    @property
    def packed(self) -> bytes | None:
        """The JSON compressed, or None where that does not pay."""


class Document:
    """Encoded JSON that is served many times. It is compressed once, and has an ETag."""

    def __init__(self, data: object) -> None:
        self.plain = envelope(data, 200)
        self.packed = gzip.compress(self.plain, 6) if len(self.plain) >= COMPRESS_FROM_BYTES else None
        self.etag = f'"{hashlib.blake2b(self.plain, digest_size=12).hexdigest()}"'


def cached(asked_for: str | None, accepted: str | None, document: Encoded) -> Reply:
    """The document, compressed if the client ``accepted`` gzip; or 304 if ``asked_for`` names its state."""
    headers = [*REVALIDATE, (b"etag", document.etag.encode())]
    if asked_for is not None and names(asked_for, document.etag):
        return Reply(304, headers)
    headers.append(JSON)
    packed = document.packed if accepted is not None and takes_gzip(accepted) else None
    if packed is None:
        return Reply(200, headers, document.plain)
    headers.append((b"content-encoding", b"gzip"))
    return Reply(200, headers, packed)


def names(asked_for: str, etag: str) -> bool:
    """Whether ``If-None-Match`` names this tag."""
    return asked_for == "*" or etag in (each.strip().removeprefix("W/") for each in asked_for.split(","))


def takes_gzip(accepted: str) -> bool:
    """Whether ``Accept-Encoding`` admits gzip: by its entry for gzip, or else by the one for all others (RFC 9110)."""
    return _takes_gzip(accepted[:MAX_ENCODINGS_LENGTH])


@lru_cache(maxsize=1_000)  # the world's browsers write it in few ways
def _takes_gzip(accepted: str) -> bool:
    quality_of = dict(map(_quality, accepted.lower().split(",")))
    return quality_of.get("gzip", quality_of.get("x-gzip", quality_of.get("*", 0))) > 0


def _quality(part: str) -> tuple[str, float]:
    """``gzip;q=0.5`` → gzip, 0.5. A weight that is no number counts as 0, which refuses."""
    name, _, rest = part.partition(";")
    weight = rest.replace(" ", "").partition("q=")[2]
    try:
        return name.strip(), float(weight) if rest.strip() else 1
    except ValueError:
        return name.strip(), 0
