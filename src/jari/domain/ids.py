"""Ids: positive numbers of at most 63 bits, as far as every store can count."""

from typing import Final

MAX_ID: Final = 2**63 - 1
MAX_DIGITS: Final = 19


def is_id(number: int) -> bool:
    """Whether this can be an id at all."""
    return 1 <= number <= MAX_ID


def is_number(text: str) -> bool:
    """Whether the text is a number in plain digits, with no more digits than an id has."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def read_id(text: str) -> int | None:
    """The id that the text writes; None if it writes none."""
    number = int(text) if is_number(text) else 0
    return number if is_id(number) else None
