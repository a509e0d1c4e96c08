"""Ids: positive numbers of at most 63 bits, as far as every store can count."""

from typing import Final

MAX_ID: Final = 2**63 - 1
ID_PATTERN: Final = "[0-9]{1,19}"  # of a path: whatever is longer is no id

_MAX_DIGITS = len(str(MAX_ID))


def is_id(number: int) -> bool:
    """Whether this can be an id at all."""
    return 1 <= number <= MAX_ID


def read_id(text: str) -> int | None:
    """The id that the digits write; None if they write none."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        return None
    number = int(text)
    return number if is_id(number) else None
