"""What it means that a request comes again: the first answer, or a refusal to take the key for something else."""

import msgspec

from jari.domain.box_office import Command, Outcome
from jari.domain.errors import key_reused
from jari.ports import RequestKey, StoredAnswer


def remember(request: RequestKey, outcome: object) -> StoredAnswer:
    """The answer as it is stored with the seats."""
    return StoredAnswer(request, msgspec.json.encode(outcome).decode())


def replay(stored: StoredAnswer, request: RequestKey, command: type[Command[Outcome]]) -> Outcome:
    """The answer of the first time. A request's fingerprint names its path, and so what kind of command it was.

    Raises:
        KeyReused: the key came before with another request.
    """
    if stored.request.fingerprint != request.fingerprint:
        raise key_reused()
    return msgspec.json.decode(stored.answer, type=command.outcome())
