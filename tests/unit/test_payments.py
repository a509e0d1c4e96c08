"""What is owed, and under which key is asked again."""

from dataclasses import replace

import pytest

from jari.domain.errors import Invalid
from jari.domain.payments import (
    MAX_REASON_LENGTH,
    NoAnswer,
    NothingYet,
    PaymentStatus,
    Refund,
    RefundStatus,
    check_reason,
    postponed,
)
from jari.domain.payments import status_with_refunds as status

DUE, DONE = RefundStatus.DUE, RefundStatus.DONE


def refund(amount, status=DONE, number=1):
    return Refund(number, 901, amount, (1,), "a cold", status, requested_ms=0, next_try_ms=0)


@pytest.mark.parametrize(
    ("refunds", "buys_seats", "expected"),
    [
        ([], True, PaymentStatus.DONE),
        ([refund(30_000, DUE)], False, PaymentStatus.REFUND_DUE),
        ([refund(10_000, DUE)], True, PaymentStatus.REFUND_DUE),
        ([refund(30_000)], False, PaymentStatus.CANCELED),
        ([refund(10_000)], True, PaymentStatus.DONE),
        ([refund(10_000), refund(20_000)], False, PaymentStatus.CANCELED),
        ([refund(10_000), refund(20_000, DUE)], False, PaymentStatus.REFUND_DUE),
        ([refund(0)], True, PaymentStatus.DONE),
        ([refund(0), refund(0)], False, PaymentStatus.CANCELED),
    ],
    ids=[
        "nothing back",
        "all owed",
        "a part owed",
        "all back",
        "a part back",
        "all back in parts",
        "a part back and a part owed",
        "one of the free seats back",
        "all free seats back",
    ],
)
def test_a_payment_stands_as_its_refunds_do(refunds, buys_seats, expected):
    assert status(refunds, buys_seats=buys_seats) is expected
    assert status(iter(refunds), buys_seats=buys_seats) is expected


@pytest.mark.parametrize(
    ("reason", "taken"),
    [
        ("", ""),
        ("  a cold ", "a cold"),
        ("단순 변심", "단순 변심"),
        ("x" * MAX_REASON_LENGTH, "x" * MAX_REASON_LENGTH),
        ("x" * (MAX_REASON_LENGTH + 1), None),
        ("two\nlines", None),
        ("a\x00b", None),
    ],
)
def test_a_reason_is_short_and_can_be_printed(reason, taken):
    if taken is not None:
        assert check_reason(reason) == taken
        return
    with pytest.raises(Invalid):
        check_reason(reason)


@pytest.mark.parametrize(
    ("answer", "attempt"),
    [(NothingYet("NO", "no"), 4), (NoAnswer("NO", "no"), 3)],
    ids=["nothing yet", "no answer"],
)
def test_only_where_nothing_has_moved_the_next_question_has_a_key_of_its_own(answer, attempt):
    before = replace(refund(30_000, DUE), attempt=3)
    assert postponed(before, answer, 9_000) == replace(
        before, next_try_ms=9_000, attempt=attempt, code="NO", message="no"
    )
