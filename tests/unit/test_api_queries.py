"""Reading queries into structs."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest

from jari.domain.errors import Invalid
from jari.web.api.queries import QueryReader
from jari.web.api.shapes import Id, Query, described


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Options(Query, frozen=True):
    page: Id = 1
    limit: Id | None = None
    color: Color | None = None
    from_: str | None = msgspec.field(name="from", default=None)
    events: list[Literal["batch"]] = msgspec.field(default_factory=list)


class Chosen(Query, frozen=True):
    seat_id: Annotated[list[Id], described(minItems=1)]


OPTIONS, CHOSEN = QueryReader(Options), QueryReader(Chosen)


@pytest.mark.parametrize(
    ("query", "read"),
    [
        (b"", Options()),
        (b"page=2&limit=10", Options(page=2, limit=10)),
        (b"page=2&page=3", Options(page=3)),
        (b"page=x&page=3", Options(page=3)),
        (b"color=blue", Options(color=Color.BLUE)),
        (b"from=2027-01-01", Options(from_="2027-01-01")),
        (b"from=", Options(from_="")),
        (b"events=batch&events=batch", Options(events=["batch", "batch"])),
        (b"unheard-of=1&from_=2", Options()),
    ],
)
def test_a_query_is_read_into_its_struct(query, read):
    assert OPTIONS.read(query) == read


@pytest.mark.parametrize(
    "query", [b"page=", b"page=0", b"page=-1", b"page=1.0", b"page=%D9%A1", b"limit=" + b"9" * 5_000]
)
def test_a_number_that_is_none_is_refused(query):
    with pytest.raises(Invalid, match="must be a positive whole number"):
        OPTIONS.read(query)


@pytest.mark.parametrize(
    ("query", "choices"), [(b"color=green", "one of red, blue"), (b"events=", "'batch', or left out")]
)
def test_what_is_no_choice_is_refused_with_the_choices(query, choices):
    with pytest.raises(Invalid, match=f"must be {choices}"):
        OPTIONS.read(query)


def test_what_may_come_several_times_is_a_list():
    assert CHOSEN.read(b"seatId=1&seatId=2").seat_id == [1, 2]
    assert CHOSEN.read(b"").seat_id == []


def test_a_type_that_no_query_can_have_is_refused_at_once():
    class Odd(Query, frozen=True):
        place: dict[str, int]

    with pytest.raises(TypeError, match="A query has no parameters such as place"):
        QueryReader(Odd)
