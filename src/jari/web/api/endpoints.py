"""The row of the table of endpoints: a value that says all about one method at one address.

The router, the OpenAPI document, the page at ``/docs`` and the test of who may do what are all made from rows, and
from nothing else. A handler is an async function of the services, the call and the numbers of the path. It returns
the answer. The shell does everything around it: who asks, what was sent, how the answer is written.
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
    """What a handler returns, and so how the shell answers."""

    ANSWER = auto()  # a struct: the shell encodes it, in the envelope
    DOCUMENT = auto()  # JSON that is encoded already and has an ETag
    FILE = auto()  # a reply of another media type
    PAGE = auto()  # a file for people's browsers: no part of the API, and not described
    STREAM = auto()  # nothing: the handler sends the answer itself, and for long


class Limit(Enum):
    """What an endpoint limits its callers by. The values name the settings."""

    SIGN_UPS = "sign_ups_per_address"
    LOG_INS = "log_in_attempts_per_address"
    VIEWERS = "max_viewers_per_address"
    PAPERS = "documents_waiting_per_user"


@dataclass(frozen=True, slots=True)
class Answered(Generic[A]):
    """An answer with a status other than the row's first, or with headers of its own."""

    data: A
    status: int | None = None
    headers: Headers = field(default_factory=list)


Handler = Callable[Concatenate[Services, Call[Q, B], ...], Awaitable[A | Answered[A] | Encoded]]


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B, A]):
    """One row. ``path`` names its numbers, as in ``/api/{occasion}/{schedule}``; the handler takes them in order."""

    method: str
    path: str
    handle: Handler[Q, B, A]
    action: Action  # the caller must be granted this action, or is refused
    _: KW_ONLY
    query: type[Q] | None = None
    body: type[B] | None = None
    answer: type[A] | None = None
    status: int = 200
    other_statuses: Mapping[int, str] = field(default_factory=dict)  # the same answer, and why
    refusals: tuple[type[JariError], ...] = ()  # besides those that other columns imply
    takes_key: bool = False  # whether it honours an Idempotency-Key
    asks_the_gateway: bool = False  # if so, it may take as long as the gateway
    limit: Limit | None = None
    kind: Kind = Kind.ANSWER
    media: str = "application/json"

    @property
    def is_public(self) -> bool:
        """Whether visitors may do it. If so, the shell does not look who asks."""
        return grant(self.action, None) is Grant.ANY

    @property
    def summary(self) -> str:
        """What it does, in one line: the first line of the handler's docstring."""
        return (self.handle.__doc__ or "").partition("\n")[0].rstrip(".")

    @property
    def parts(self) -> tuple[str, ...]:
        """What its numbers and names stand for, in the order of the path."""
        return tuple(what for what in re.findall(r"{(\w+)", self.path) if what != "occasion")

    @property
    def paths(self) -> tuple[str, ...]:
        """The addresses: one for each name of an occasion."""
        if "{occasion}" not in self.path:
            return (self.path,)
        return tuple(self.path.replace("{occasion}", each) for each in OCCASIONS)
