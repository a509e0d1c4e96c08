"""Misbehaviour on demand: what the next calls of a kind do instead of answering at once."""

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

    The call waits ``delay_seconds`` before the ledger processes it, or after (``delayed``). ``drop`` closes the
    connection without a byte, before or after the ledger processes the call; for webhooks it means that none is sent.
    With a ``code`` the answer is that error, and the ledger never hears of the call. A webhook is sent ``copies`` times.
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
        """How long the call waits at this moment."""
        return self.delay_seconds if self.delayed == moment else 0.0


class TooMany(Exception):
    """The limit of behaviours is reached."""


class Behaviours:
    """The behaviours that wait for their calls. If two fit a call, the older one is taken."""

    def __init__(self) -> None:
        self._waiting: list[Behaviour] = []

    def add(self, behaviour: Behaviour) -> None:
        """Remember one more behaviour.

        Raises:
            TooMany: there are too many already.
        """
        if len(self._waiting) >= MAX_BEHAVIOURS:
            raise TooMany
        self._waiting.append(behaviour)

    def clear(self) -> None:
        """Forget all behaviours, and behave from now on."""
        self._waiting.clear()

    def waiting(self) -> tuple[Behaviour, ...]:
        """The behaviours whose calls have not come yet. ``times`` counts the calls that are left."""
        return tuple(self._waiting)

    def take(self, call: Call, order_id: str | None) -> Behaviour:
        """What this call does: mostly nothing special."""
        for position, behaviour in enumerate(self._waiting):
            if behaviour.call is call and behaviour.order_id in {None, order_id}:
                if behaviour.times == 1:
                    del self._waiting[position]
                else:
                    left = msgspec.structs.replace(behaviour, times=behaviour.times - 1)
                    self._waiting[position] = left
                return behaviour
        return Behaviour(call)
