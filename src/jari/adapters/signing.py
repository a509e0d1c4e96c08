"""The key that tickets are signed with: Ed25519 (RFC 8032) as JOSE writes it (RFC 8037)."""

import hashlib
import json
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jari.domain.errors import BadTicket
from jari.domain.tickets import (
    ALGORITHM,
    Ticket,
    encode_base64url,
    join_token,
    read_claims,
    signing_input,
    split_token,
)

PRIVATE_KEY_BYTES = 32  # RFC 8032, 5.1.5


class Signer:
    """Signs tickets and checks them; give ``public_jwk()`` to whoever checks them elsewhere.

    The same ticket and key always give the same token, so a token need not be stored. A signer never changes: one may
    serve several threads.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._private_key = key
        self._public_key = key.public_key()
        self._x = encode_base64url(self._public_key.public_bytes_raw())
        self.key_id = _thumbprint(self._x)

    @classmethod
    def from_private(cls, private: bytes) -> Self:
        """A signer of a stored key.

        Raises:
            ValueError: these are not 32 bytes.
        """
        if len(private) != PRIVATE_KEY_BYTES:
            raise ValueError(f"an Ed25519 private key has {PRIVATE_KEY_BYTES} bytes, not {len(private)}")
        return cls(Ed25519PrivateKey.from_private_bytes(private))

    @classmethod
    def generate(cls) -> Self:
        """A signer with a new key; store its ``private_bytes``, or its tickets die with the process."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def private_bytes(self) -> bytes:
        """The 32 secret bytes: whoever has them can write tickets."""
        return self._private_key.private_bytes_raw()

    def sign(self, ticket: Ticket) -> str:
        """The token of a ticket.

        Raises:
            BadTicket: a number or the place is out of bounds.
        """
        signed = signing_input(ticket, self.key_id)
        return join_token(signed, self._private_key.sign(signed.encode()))

    def verify(self, token: str) -> Ticket:
        """The ticket of a token that this key has signed. The token does not tell whether it was used or refunded.

        Raises:
            BadTicket: the token is malformed, signed with another key, or was changed.
        """
        split = split_token(token)
        if split.key_id != self.key_id:
            raise BadTicket(
                "The ticket is signed with another key: it is from another service or an old one."
            )
        try:
            self._public_key.verify(split.signature, split.signed)
        except InvalidSignature:
            raise BadTicket(
                "The ticket's signature does not fit: the code was changed or not read right."
            ) from None
        return read_claims(split.claims)

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JWK (RFC 8037, 2)."""
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self._x,
            "kid": self.key_id,
            "use": "sig",
            "alg": ALGORITHM,
        }


def _thumbprint(x: str) -> str:
    # RFC 7638, 3: the required fields only, in this order and without space; RFC 8037, 2 says which they are.
    canonical = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())
