"""Users: who they are and what an account needs."""

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import idna

from jari.domain.errors import EmailTaken, Invalid

MAX_EMAIL_LENGTH = 254  # RFC 5321: 256 octets with the angle brackets
MAX_NAME_LENGTH = 100
MIN_PASSWORD_LENGTH = 8  # ASVS 5.0, 6.2.1
MAX_PASSWORD_LENGTH = 128  # ASVS 5.0, 6.2.9 asks for at least 64; a bound keeps hashing cheap

_EMAIL = re.compile(r"[^\s@\x00-\x1f]+@[^\s@.\x00-\x1f]+(\.[^\s@.\x00-\x1f]+)*")

# Printable by Unicode's categories, but nothing that anybody sees: joiners, fillers of Hangul, variation selectors,
# the blank of Braille. `str.isprintable` knows the others, those that change the direction of writing among them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


class Role(StrEnum):
    """What a user is here for; `jari.domain.permissions` says what each may do."""

    BUYER = "buyer"
    ORGANISER = "organiser"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: int
    email: str
    name: str
    role: str  # a `Role`, or a name that a later version has stored; such a role may do nothing here


def is_email(email: str) -> bool:
    """Whether this could be an e-mail address at all."""
    return len(email) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(email) is not None


def normalise_email(email: str) -> str:
    """Bring an address to its one form, however it was typed: trimmed, lower case, composed, of ordinary width.

    The domain is written as people read it, not in punycode (IDNA 2008, mapped by UTS 46).

    Raises:
        Invalid: it is not an e-mail address, or holds characters that nobody can see.
    """
    email = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().casefold())
    if not is_email(email):
        raise Invalid("That is not an e-mail address: it needs the form name@example.com.")
    if not email.isprintable() or _UNSEEN.search(email):
        raise Invalid("This e-mail address holds characters that cannot be seen: type it anew.")
    local, _, domain = email.rpartition("@")
    email = f"{local}@{_readable_domain(domain)}"
    if not is_email(email):
        raise Invalid("That is not an e-mail address: it needs the form name@example.com.")
    return email


def forms_of_email(email: str) -> tuple[str, ...]:
    """The forms under which the account of this address may be stored, the normal one last.

    Empty where the text is no e-mail address. An account that is older than the normal form is stored as it was
    typed, if another account has its normal form.
    """
    forms = [email.strip().casefold()]
    with suppress(Invalid):
        forms.append(normalise_email(email))
    return tuple(dict.fromkeys(form for form in forms if is_email(form)))


def _readable_domain(domain: str) -> str:
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        return idna.decode(idna.encode(domain, uts46=True))
    except idna.IDNAError:
        raise Invalid(
            "There can be no such domain as that of this e-mail address: check what stands behind the @."
        ) from None


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


def email_taken() -> EmailTaken:
    """The refusal of an address that somebody has."""
    return EmailTaken("There is an account with this e-mail address: log in, or use another address.")
