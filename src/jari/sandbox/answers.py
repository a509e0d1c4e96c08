"""Answers remembered by idempotency key: a repeated request gets the first answer, errors included.

Two requests are the same if their idempotency key, API key, method and URL are the same; the body does not count. So
who uses one key for two payments gets the first payment's answer twice, as with the gateway itself.
"""

from dataclasses import dataclass

VALID_MS = 15 * 24 * 60 * 60 * 1000
MAX_KEY_LENGTH = 300
MAX_ANSWERS = 50_000


@dataclass(frozen=True, slots=True)
class RequestName:
    """What makes two requests the same."""

    idempotency_key: str
    api_key: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Record:
    began_at_ms: int
    answer: Answer | None = None  # None while the first request is at work


class InFlight(Exception):
    """The first request of this name is still at work."""


class Answers:
    """The answers of the last 15 days, up to a limit. Beyond it the oldest are forgotten."""

    def __init__(self, max_answers: int = MAX_ANSWERS) -> None:
        self._max_answers = max_answers
        self._records: dict[RequestName, _Record] = {}

    def begin(self, name: RequestName, now_ms: int) -> Answer | None:
        """The answer of an earlier request. If it is None, the caller must call ``finish`` or ``abandon`` in the end.

        Raises:
            InFlight: an earlier request is at work.
        """
        record = self._records.get(name)
        if record is not None and now_ms < record.began_at_ms + VALID_MS:
            if record.answer is None:
                raise InFlight
            return record.answer
        self._records.pop(name, None)
        self._records[name] = _Record(now_ms)
        if len(self._records) > self._max_answers:
            del self._records[next(iter(self._records))]
        return None

    def finish(self, name: RequestName, answer: Answer) -> None:
        """Remember the answer."""
        if name in self._records:
            self._records[name] = _Record(self._records[name].began_at_ms, answer)

    def abandon(self, name: RequestName) -> None:
        """Forget a request that was never processed."""
        record = self._records.get(name)
        if record is not None and record.answer is None:
            del self._records[name]
