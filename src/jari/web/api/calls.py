"""One call of an endpoint: what came with the request, read as the endpoint's row says."""

import hashlib
from typing import Generic, TypeVar

from starlette.types import Receive, Scope, Send

from jari.domain.errors import Invalid, NotFound
from jari.domain.ids import is_id
from jari.domain.users import User
from jari.ports.answers import RequestKey
from jari.web.addresses import address_group
from jari.web.api.shapes import KEY, MAX_KEY_LENGTH

Q = TypeVar("Q")
B = TypeVar("B")


class Call(Generic[Q, B]):
    """A request in typed pieces: ``query`` and ``body`` of the types that the row names, and the ``user``.

    ``user`` is set if the row does not admit visitors. On other rows nobody has looked who asks.
    """

    __slots__ = ("_headers", "body", "data", "query", "receive", "scope", "send", "user")

    query: Q
    body: B
    user: User

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.data = b""  # the body as it came
        self._headers: dict[bytes, bytes] | None = None

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers by their names in lower case. Of several headers the first counts; cookies are joined."""
        if self._headers is None:
            raw = self.scope["headers"]
            self._headers = dict(reversed(raw))
            if len(self._headers) < len(raw):
                cookies = [value for name, value in raw if name == b"cookie"]
                if len(cookies) > 1:
                    self._headers[b"cookie"] = b";".join(cookies)
        return self._headers

    def header(self, name: bytes) -> str | None:
        """A header as text."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin1")

    @property
    def address(self) -> str:
        """The address that limits count by."""
        client = self.scope.get("client")
        return address_group(client[0]) if client else "unknown"

    def key(self) -> str | None:
        """The call's Idempotency-Key.

        Raises:
            Invalid: it has an impossible form.
        """
        key = self.header(b"idempotency-key")
        if key is not None and (len(key) > MAX_KEY_LENGTH or not KEY.fullmatch(key)):
            raise Invalid(
                f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} visible ASCII characters: send another."
            )
        return key

    def request_key(self) -> RequestKey | None:
        """The user's Idempotency-Key with the fingerprint of what it came with.

        Raises:
            Invalid: it has an impossible form.
        """
        if b"idempotency-key" not in self.headers or (key := self.key()) is None:
            return None
        said = (self.scope["path"].encode(), b"?", self.scope["query_string"], b"\n", self.data)
        return RequestKey(f"user-{self.user.id}", key, hashlib.sha256(b"".join(said)).hexdigest())


def known_id(number: int, what: str) -> int:
    """The number, if it can be an id.

    Raises:
        NotFound: it cannot.
    """
    if not is_id(number):
        raise NotFound(f"There is no such {what}: ids are positive numbers of at most 63 bits.")
    return number
