"""Misbehaviour on demand: what the next calls of a kind shall do instead of answering at once."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

MAX_BEHAVIOURS = 1_000
MAX_TIMES = 100_000
MAX_COPIES = 10
MAX_DELAY_SECONDS = 120.0

Moment = Literal["before", "after"]


class Call(StrEnum):
    """The calls that can misbehave: three from the shop, and the webhook to it."""

    CONFIRM = "confirm"
    GET = "get"
    CANCEL = "cancel"
    WEBHOOK = "webhook"


class Behaviour(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What the next ``times`` calls do, of one order or of any.

    ``delay_seconds`` pass before the ledger processes the call, or after it (``delayed``). ``drop`` closes the
    connection without a word, before or after the call was processed; of webhooks it means that none is sent.
    ``code`` is answered as an error, and the ledger never hears of the call. ``copies`` of a webhook are sent.
    """

    call: Call
    order_id: str | None = None
    times: Annotated[int, msgspec.Meta(ge=1, le=MAX_TIMES)] = 1
    delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=MAX_DELAY_SECONDS)] = 0.0
    delayed: Moment = "before"
    drop: Moment | None = None
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,99}\Z")] | None = None
    copies: Annotated[int, msgspec.Meta(ge=1, le=MAX_COPIES)] = 1

    def waits_seconds(self, moment: Moment) -> float:
        """How long to wait before or after the call is processed."""
        return self.delay_seconds if self.delayed == moment else 0.0


class TooMany(Exception):
    """No more can be remembered."""


class Behaviours:
    """The behaviours that wait for their calls; of two that fit, the one that was told first goes first."""

    def __init__(self) -> None:
        self._waiting: list[Behaviour] = []

    def add(self, behaviour: Behaviour) -> None:
        """Remember one more.

        Raises:
            TooMany: there are too many already.
        """
        if len(self._waiting) >= MAX_BEHAVIOURS:
            raise TooMany
        self._waiting.append(behaviour)

    def clear(self) -> None:
        """Behave from now on."""
        self._waiting.clear()

    def waiting(self) -> tuple[Behaviour, ...]:
        """Those whose calls have not come yet; ``times`` is what is left of it."""
        return tuple(self._waiting)

    def take(self, call: Call, order_id: str | None) -> Behaviour:
        """What this call shall do; mostly nothing special."""
        for position, behaviour in enumerate(self._waiting):
            if behaviour.call is call and behaviour.order_id in {None, order_id}:
                if behaviour.times == 1:
                    del self._waiting[position]
                else:
                    left = msgspec.structs.replace(behaviour, times=behaviour.times - 1)
                    self._waiting[position] = left
                return behaviour
        return Behaviour(call)
