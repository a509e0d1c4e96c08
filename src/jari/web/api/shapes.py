"""What the shapes of requests and answers are made of: structs in camelCase, and the fields that they share.

These types are read from requests, written to answers, and translated into the OpenAPI document. So nothing describes
a shape a second time.
"""

import re
from typing import Annotated, Any, Literal

import msgspec

from jari.domain.ids import MAX_ID

MAX_KEY_LENGTH = 255
KEY = re.compile(r"[\x21-\x7e]+")


def described(**schema: Any) -> msgspec.Meta:
    """What the OpenAPI document says of a field besides its type. Only the domain's rules refuse what does not fit."""
    return msgspec.Meta(extra_json_schema=schema)


Id = Annotated[int, described(minimum=1, maximum=MAX_ID)]
Count = Annotated[int, described(minimum=0)]
Time = Annotated[str, described(format="date-time")]  # RFC 3339, UTC
DayOrTime = Annotated[
    str,
    described(anyOf=[{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]),
]
SeatStatus = Literal["AVAILABLE", "HOLD", "OCCUPIED"]
IdempotencyKey = Annotated[str, described(minLength=1, maxLength=MAX_KEY_LENGTH, pattern=f"^{KEY.pattern}$")]


class Body(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a request's body may hold: nothing that is not named."""


class Query(msgspec.Struct, frozen=True, rename="camel"):
    """What may stand behind the question mark; a field without a default must."""


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What a successful request is answered: the ``data`` of ``{"status": …, "data": …}``."""


class Nothing(Body, frozen=True):
    """An empty object: the address says it all."""


class Done(Answer, frozen=True):
    """An empty object: there is no more to say than that it is done."""
