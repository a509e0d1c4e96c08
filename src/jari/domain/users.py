"""Users: who they are and what an account needs."""

import re
from dataclasses import dataclass
from enum import StrEnum

from jari.domain.errors import Invalid

MAX_EMAIL_LENGTH = 254  # RFC 5321: 256 octets with the angle brackets
MAX_NAME_LENGTH = 100
MIN_PASSWORD_LENGTH = 8  # ASVS 5.0, 6.2.1
MAX_PASSWORD_LENGTH = 128  # ASVS 5.0, 6.2.9 asks for at least 64; a bound keeps hashing cheap

_EMAIL = re.compile(r"[^\s@\x00-\x1f]+@[^\s@.\x00-\x1f]+(\.[^\s@.\x00-\x1f]+)*")


class Role(StrEnum):
    """What a user may do."""

    BUYER = "buyer"
    ORGANISER = "organiser"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: int
    email: str
    name: str
    role: Role


def is_email(email: str) -> bool:
    """Whether this could be an e-mail address at all."""
    return len(email) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(email) is not None


def normalise_email(email: str) -> str:
    """The form in which an address is compared: trimmed, lower case.

    Raises:
        Invalid: it is not an e-mail address.
    """
    email = email.strip().casefold()
    if not is_email(email):
        raise Invalid("That is not an e-mail address: it needs the form name@example.com.")
    return email


def check_name(name: str) -> str:
    """The name without surrounding space.

    Raises:
        Invalid: it is empty, too long, or holds control characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
        raise Invalid(f"A name has 1 to {MAX_NAME_LENGTH} printable characters.")
    return name


def check_password(password: str) -> None:
    """Refuse a password that is too short to be safe or too long to be hashed.

    Raises:
        Invalid: the length is out of bounds.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise Invalid(f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters.")
