"""What it means that a request comes again: the first answer, or a refusal to take the key for something else."""

from typing import TypeVar

import msgspec

from jari.domain.errors import key_reused
from jari.domain.reservations import Reservation
from jari.domain.seating import Outcome
from jari.ports import RequestKey, StoredAnswer

T = TypeVar("T")


def remember(request: RequestKey, outcome: Outcome | Reservation) -> StoredAnswer:
    """The answer as it is stored with the seats."""
    return StoredAnswer(request, msgspec.json.encode(outcome).decode())


def replay(stored: StoredAnswer, request: RequestKey, expected: type[T]) -> T:
    """The answer of the first time. A request's fingerprint names its path, and so what kind of answer it has.

    Raises:
        KeyReused: the key came before with another request.
    """
    if stored.request.fingerprint != request.fingerprint:
        raise key_reused()
    return msgspec.json.decode(stored.answer, type=expected)
