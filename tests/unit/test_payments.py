"""What is owed, and what the gateway's words mean for the money."""

import pytest

from jari.domain.errors import Invalid
from jari.domain.payments import (
    MAX_REASON_LENGTH,
    Charged,
    GatewayStatus,
    NotCharged,
    PaymentStatus,
    Refund,
    RefundStatus,
    check_reason,
)
from jari.domain.payments import status_with_refunds as status
from jari.ports import GatewayCancel, GatewayPayment
from jari.usecases.payments import judge

ORDER = "7-101-token"
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


def recorded(status, *, amount=30_000, balance=30_000):
    cancels = (GatewayCancel(amount - balance, "dashboard"),) if balance < amount else ()
    return GatewayPayment("key", ORDER, status, amount, balance, "카드", cancels)


@pytest.mark.parametrize("said", list(GatewayStatus))
def test_the_gateways_record_says_charged_not_charged_or_nothing_final(said):
    verdict = judge(recorded(said), ORDER)
    match said:
        case GatewayStatus.DONE | GatewayStatus.PARTIAL_CANCELED:
            assert verdict == Charged("key", ORDER, 30_000, "카드")
        case GatewayStatus.ABORTED | GatewayStatus.EXPIRED | GatewayStatus.CANCELED:
            assert isinstance(verdict, NotCharged)
            assert verdict.code == said
        case _:
            assert verdict is None


def test_of_a_payment_that_was_given_back_in_part_elsewhere_only_the_rest_counts():
    found = recorded(GatewayStatus.PARTIAL_CANCELED, balance=10_000)
    assert judge(found, ORDER) == Charged("key", ORDER, 10_000, "카드")


@pytest.mark.parametrize("said", list(GatewayStatus))
def test_money_of_another_order_is_not_ours_to_take_or_to_give_back(said):
    assert isinstance(judge(recorded(said), "7-102-token"), NotCharged)
