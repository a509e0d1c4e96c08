"""The row of the table of endpoints: all that is true of one method at one address, as a value.

The router, the OpenAPI document, the page at ``/docs`` and the test of who may do what are all made from rows; what
a row does not say is not so. A handler is an async function of the services, the call and the numbers of the path;
it returns the answer, and everything around it (who asks, what was sent, how it is written) is the shell's.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum, auto
from typing import Concatenate, Generic, TypeVar

from jari.domain.errors import JariError
from jari.domain.permissions import Action, Grant, grant
from jari.web.api.calls import Call
from jari.web.api.responses import Encoded
from jari.web.replies import Headers
from jari.web.services import Services

Q = TypeVar("Q")
B = TypeVar("B")
A = TypeVar("A")

OCCASIONS = ("matches", "schedules")  # two names of the same occasions: {occasion} in a path


class Kind(Enum):
    """What a handler returns, and so how it is answered."""

    ANSWER = auto()  # a struct: encoded here, in the envelope
    DOCUMENT = auto()  # JSON that is encoded already and has an ETag
    FILE = auto()  # a reply of another media type
    PAGE = auto()  # the same for people's browsers: no part of the API, and not described
    STREAM = auto()  # nothing: it answers for itself, and for long


class Limit(Enum):
    """What an endpoint counts its callers by; the values name the settings."""

    SIGN_UPS = "sign_ups_per_address"
    LOG_INS = "log_in_attempts_per_address"
    VIEWERS = "max_viewers_per_address"
    PAPERS = "documents_waiting_per_user"


@dataclass(frozen=True, slots=True)
class Answered(Generic[A]):
    """An answer with another status than the row's first, or with headers of its own."""

    data: A
    status: int | None = None
    headers: Headers = field(default_factory=list)


Handler = Callable[Concatenate[Services, Call[Q, B], ...], Awaitable[A | Answered[A] | Encoded]]


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B, A]):
    """One row. ``path`` names its numbers, ``/api/{occasion}/{schedule}``, and the handler takes them in that order."""

    method: str
    path: str
    handle: Handler[Q, B, A]
    action: Action  # what a caller must be granted; everybody else is refused
    _: KW_ONLY
    query: type[Q] | None = None
    body: type[B] | None = None
    answer: type[A] | None = None
    status: int = 200
    other_statuses: Mapping[int, str] = field(default_factory=dict)  # with the same answer, and why
    refusals: tuple[type[JariError], ...] = ()  # besides those that the other columns bring with them
    takes_key: bool = False  # honours an Idempotency-Key
    asks_the_gateway: bool = False  # and so may take as long as the gateway
    limit: Limit | None = None
    kind: Kind = Kind.ANSWER
    media: str = "application/json"

    @property
    def is_public(self) -> bool:
        """Whether visitors may, so that nobody need look who is asking."""
        return grant(self.action, None) is Grant.ANY

    @property
    def summary(self) -> str:
        """What it does, in a line: the first of the handler's own description."""
        return (self.handle.__doc__ or "").partition("\n")[0].rstrip(".")

    @property
    def parts(self) -> tuple[str, ...]:
        """What its numbers and names stand for, in the order of the path."""
        return tuple(what for what in re.findall(r"{(\w+)", self.path) if what != "occasion")

    @property
    def paths(self) -> tuple[str, ...]:
        """The addresses, one for each name of an occasion."""
        if "{occasion}" not in self.path:
            return (self.path,)
        return tuple(self.path.replace("{occasion}", each) for each in OCCASIONS)
