"""The one error tree and the one status table."""

import re

import msgspec
import pytest

from jari.domain import errors
from jari.web.errors import STATUS, BadRequest, problem, status_of, unexpected


def tree(kind=errors.JariError):
    """Every class below; without those that HTTP alone knows."""
    children = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return children + [below for child in children for below in tree(child)]


EXPECTED = {
    "NotFound": (404, "NOT_FOUND"),
    "Invalid": (422, "INVALID"),
    "TooManySeats": (422, "TOO_MANY_SEATS"),
    "UnknownSeats": (422, "UNKNOWN_SEATS"),
    "BadPlan": (422, "BAD_PLAN"),
    "KeyReused": (422, "IDEMPOTENCY_KEY_REUSED"),
    "Conflict": (409, "CONFLICT"),
    "SeatsTaken": (409, "SEATS_TAKEN"),
    "NotYourSeats": (409, "NOT_YOUR_SEATS"),
    "SaleNotOpen": (409, "SALE_NOT_OPEN"),
    "EmailTaken": (409, "EMAIL_TAKEN"),
    "StillRunning": (409, "IDEMPOTENT_REQUEST_IN_PROGRESS"),
    "PlanDropsSeats": (409, "PLAN_DROPS_SEATS"),
    "StaleDecision": (409, "STALE_DECISION"),
    "Unauthenticated": (401, "UNAUTHENTICATED"),
    "WrongCredentials": (401, "WRONG_CREDENTIALS"),
    "Forbidden": (403, "FORBIDDEN"),
    "TooManyAttempts": (429, "TOO_MANY_ATTEMPTS"),
    "Unavailable": (503, "UNAVAILABLE"),
}


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind):
    assert 400 <= status_of(kind("It is so: do this.")) <= 599


@pytest.mark.parametrize("name", EXPECTED)
def test_statuses_and_codes_are_a_promise_to_programs(name):
    kind = getattr(errors, name)
    assert (status_of(kind("It is so.")), kind.code) == EXPECTED[name]


def test_codes_and_titles_are_each_errors_own():
    kinds = tree()
    for words in ([kind.code for kind in kinds], [kind.title for kind in kinds]):
        assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means(kind):
    assert kind.__doc__
    assert re.fullmatch("[A-Z]+(_[A-Z]+)*", kind.code)
    assert "title" in vars(kind)


def test_the_docstring_of_the_tree_names_every_error():
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__)
    assert sorted(drawn) == sorted(kind.__name__ for kind in tree())


def test_the_table_holds_only_what_the_tree_does_not_say_already():
    for kind, status in STATUS.items():
        above = [STATUS[each] for each in kind.__mro__[1:] if each in STATUS]
        assert status not in above[:1]


def headers_of(answer):
    return {name.decode(): value.decode() for name, value in answer.raw_headers}


def test_a_problem_names_the_seats_and_when_to_come_back():
    answer = problem(errors.SeatsTaken("1 of the 2 seats is taken.", seat_ids=[7], retry_after_seconds=3))
    assert answer.status_code == 409
    assert headers_of(answer)["content-type"] == "application/problem+json"
    assert headers_of(answer)["retry-after"] == "3"
    assert headers_of(answer)["cache-control"] == "no-store"
    assert msgspec.json.decode(answer.body) == {
        "type": "/docs/errors#SEATS_TAKEN",
        "title": "Seats already taken",
        "status": 409,
        "detail": "1 of the 2 seats is taken.",
        "code": "SEATS_TAKEN",
        "seatIds": [7],
    }


def test_a_problem_without_seats_names_none():
    answer = problem(errors.NotFound("There is no schedule 9."))
    assert "seatIds" not in msgspec.json.decode(answer.body)
    assert "retry-after" not in headers_of(answer)


def test_what_only_http_knows_carries_its_own_status():
    refusal = BadRequest("Too large.", status=413, code="BODY_TOO_LARGE", title="The request is too large")
    assert status_of(refusal) == 413
    assert msgspec.json.decode(problem(refusal).body)["code"] == "BODY_TOO_LARGE"


def test_a_fault_of_ours_tells_nothing_of_its_cause():
    answer = unexpected(RuntimeError("the password is 1234"), "/api/log-in")
    assert answer.status_code == 500
    assert b"1234" not in answer.body
    assert msgspec.json.decode(answer.body)["code"] == "INTERNAL_ERROR"
