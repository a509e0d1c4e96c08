"""Tickets: what a door reads from a printed code, and what it refuses.

A ticket is written as a compact JWS (RFC 7515) with the algorithm EdDSA (RFC 8037), so that any JOSE library can
check it without asking anybody::

    base64url({"alg":"EdDSA","kid":…}) . base64url({"rid":…,"sid":…,"seat":…,"at":…}) . base64url(signature)

The names of the claims are short because each character makes the printed code denser. This file knows the text
and its bounds; the keys are elsewhere. One ticket and one key make exactly one text. Texts that a lenient reader
would take for the same are refused: padding, stray bits in a last character, further header fields, a field twice.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jari.domain.errors import BadTicket
from jari.domain.ids import MAX_ID, is_id

ALGORITHM: Final = "EdDSA"
KEY_ID_LENGTH: Final = 43  # a SHA-256 thumbprint (RFC 7638) in base64url
SIGNATURE_BYTES: Final = 64  # RFC 8032, 5.1.6

MAX_SEAT_LENGTH: Final = 100

# The longest token has 829: a place of 100 characters of four octets each, and the largest ids. The rest is room.
MAX_TOKEN_LENGTH: Final = 1000

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_HEADER_FIELDS = {"alg", "kid"}
_CLAIMS = {"rid", "sid", "seat", "at"}


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to one seat of one schedule; ``seat`` is the place in print, e.g. ``113 5-3``."""

    reservation_id: int
    schedule_id: int
    seat_id: int
    seat: str


@dataclass(frozen=True, slots=True)
class SplitToken:
    """The parts of a token. Do not believe ``claims`` before the signature is checked."""

    key_id: str
    signed: bytes
    claims: bytes
    signature: bytes


def printed_seat(block: str, row_label: str, seat_label: str) -> str:
    """The place as a ticket holds it, e.g. ``113 5-3``, whatever a plan calls its blocks, rows and seats.

    A plan may have names that are too long for a code, and characters that cannot be printed. A paid ticket must
    come out all the same: so names are cut short and such characters replaced.
    """
    place = " ".join(f"{block} {row_label}-{seat_label}".split())
    printable = "".join(character if character.isprintable() else "?" for character in place)
    return printable if len(printable) <= MAX_SEAT_LENGTH else printable[: MAX_SEAT_LENGTH - 1] + "…"


def signing_input(ticket: Ticket, key_id: str) -> str:
    """The text that is signed: header and claims, without the signature.

    Raises:
        BadTicket: a number or the place is out of bounds.
    """
    _check_ticket(ticket)
    claims = {
        "rid": ticket.reservation_id,
        "sid": ticket.schedule_id,
        "seat": ticket.seat_id,
        "at": ticket.seat,
    }
    return f"{_encode_json({'alg': ALGORITHM, 'kid': key_id})}.{_encode_json(claims)}"


def join_token(signed: str, signature: bytes) -> str:
    """The whole token of a signing input and its signature."""
    return f"{signed}.{encode_base64url(signature)}"


def split_token(token: str) -> SplitToken:
    """The parts of a token, after a look at its form and its header.

    Raises:
        BadTicket: it is not in the one form that tickets have here.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise BadTicket(f"This is no ticket of ours: a code has at most {MAX_TOKEN_LENGTH} characters.")
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004  RFC 7515, 3.1: header, payload, signature
        raise BadTicket("This is no ticket of ours: a code has three parts with dots between. Scan it again.")
    header, claims, signature = (_decode_base64url(part) for part in parts)
    if len(signature) != SIGNATURE_BYTES:
        raise BadTicket("The ticket's signature is incomplete: scan the whole code again.")
    signed = token[: token.rindex(".")].encode()
    return SplitToken(key_id=_key_id_of(header), signed=signed, claims=claims, signature=signature)


def read_claims(claims: bytes) -> Ticket:
    """The ticket that the claims of a checked token describe.

    Raises:
        BadTicket: a claim is missing, unknown, of another type or out of bounds.
    """
    fields = _decode_object(claims)
    if fields.keys() != _CLAIMS:
        raise BadTicket("The ticket does not hold exactly the claims rid, sid, seat and at.")
    ticket = Ticket(
        reservation_id=fields["rid"], schedule_id=fields["sid"], seat_id=fields["seat"], seat=fields["at"]
    )
    _check_ticket(ticket)
    return ticket


def encode_base64url(octets: bytes) -> str:
    """Base64 with the alphabet for URLs and without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decode_base64url(part: str) -> bytes:
    # The pattern comes first: the decoder skips over what is not in its alphabet.
    if not _BASE64URL.fullmatch(part) or len(part) % 4 == 1:
        raise BadTicket("The code holds characters that no ticket has: scan it again.")
    octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    # The decoder drops stray bits of the last character; the same octets would have a second text.
    if encode_base64url(octets) != part:
        raise BadTicket("The code is not written the way tickets are: scan it again.")
    return octets


def _encode_json(fields: dict[str, Any]) -> str:
    return encode_base64url(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode())


def _decode_object(octets: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(octets.decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise BadTicket("The code does not hold the JSON of a ticket: scan it again.") from error
    if not isinstance(fields, dict):
        raise BadTicket("The code does not hold the JSON object of a ticket.")
    return fields


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of {"alg":…,"alg":…} may each believe another one of them (RFC 7515, 4).
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _key_id_of(header: bytes) -> str:
    fields = _decode_object(header)
    # We choose the algorithm, never the token (RFC 8725, 3.1). "crit" and embedded keys are refused as further fields.
    if fields.get("alg") != ALGORITHM:
        raise BadTicket(f"The ticket is not signed with {ALGORITHM}: it is not one of ours.")
    key_id = fields.get("kid")
    if fields.keys() != _HEADER_FIELDS or not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise BadTicket("The ticket's header is not one of ours: it has alg and kid and nothing else.")
    return key_id


def _check_ticket(ticket: Ticket) -> None:
    ids = (
        ("reservation", ticket.reservation_id),
        ("schedule", ticket.schedule_id),
        ("seat", ticket.seat_id),
    )
    for what, number in ids:
        # To Python True is an int, and 1.0 equals 1; neither is an id.
        if type(number) is not int or not is_id(number):
            raise BadTicket(f"The ticket's {what} is not a whole number from 1 to {MAX_ID}.")
    if type(ticket.seat) is not str or not 1 <= len(ticket.seat) <= MAX_SEAT_LENGTH:
        raise BadTicket(f"The ticket's place is not a text of 1 to {MAX_SEAT_LENGTH} characters.")
    if not ticket.seat.isprintable():
        raise BadTicket("The ticket's place holds characters that cannot be printed.")
