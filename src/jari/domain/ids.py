"""Ids: positive numbers of at most 63 bits, as far as every store can count."""

from typing import Final

MAX_ID: Final = 2**63 - 1
MAX_DIGITS: Final = 19


def is_id(number: int) -> bool:
    """Whether this can be an id at all."""
    return 1 <= number <= MAX_ID


def is_number(text: str) -> bool:
    """Whether this writes a number that is worth reading: in plain digits, and no more of them than an id has."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def read_id(text: str) -> int | None:
    """The id that is written here; None if none is."""
    number = int(text) if is_number(text) else 0
    return number if is_id(number) else None
