"""Requests that come again: they get the first answer. A key that comes with another request is refused."""

import msgspec

from jari.domain.box_office import Command, Outcome
from jari.domain.errors import key_reused
from jari.ports.answers import RequestKey, StoredAnswer


def remember(request: RequestKey, outcome: object) -> StoredAnswer:
    """The answer in the form in which it is stored, together with the seats."""
    return StoredAnswer(request, msgspec.json.encode(outcome).decode())


def replay(stored: StoredAnswer, request: RequestKey, command: type[Command[Outcome]]) -> Outcome:
    """The answer of the first time. A request's fingerprint names its path, and so what kind of command it was.

    Raises:
        KeyReused: the key came before with another request.
    """
    if stored.request.fingerprint != request.fingerprint:
        raise key_reused()
    return msgspec.json.decode(stored.answer, type=command.outcome())
