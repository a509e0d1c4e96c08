"""A reservation as a value: its name, its parts, and what it allows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jari.domain.errors import NotFound, NotRefundable, PaymentUnderWay, ReservationClosed
from jari.domain.payments import Payment, PaymentStatus, Refund, RefundStatus
from jari.domain.reservations import (
    MAX_ORDER_NAME_LENGTH,
    Offer,
    Reservation,
    ReservationStatus,
    ReservedSeat,
    order_id,
    order_name,
    read_order_id,
    refund_deadline_ms,
    require_in_time,
    reserved_seat,
)
from jari.domain.venues import MAX_LABEL_CHARS, MAX_NAME_CHARS, Grade, Seat

NOW = 1_000_000
END = NOW + 300_000


def seat(seat_id, **fields):
    plain = ReservedSeat(seat_id, 5, seat_id, "1루 레드석", "113", "5", str(seat_id), "레드석", 15_000)
    return replace(plain, **fields)


def payment(number=901, status=PaymentStatus.CONFIRMING, **fields):
    plain = Payment(number, "toss", f"key-{number}", 30_000, status, started_ms=NOW, next_try_ms=NOW)
    return replace(plain, **fields)


def refund(number=701, status=RefundStatus.DUE, payment_id=901, amount=15_000, seat_ids=(1,)):
    return Refund(number, payment_id, amount, seat_ids, "a cold", status, requested_ms=NOW, next_try_ms=NOW)


def reservation(status=ReservationStatus.PENDING, **fields):
    plain = Reservation(
        id=101,
        schedule_id=7,
        buyer_id=1,
        hold_id="h1",
        status=status,
        order_id="7-101-token",
        order_name="LG : Doosan",
        amount=30_000,
        currency="KRW",
        created_ms=NOW,
        expires_ms=END,
        seats=(seat(1), seat(2)),
    )
    return replace(plain, **fields)


# --- the order's name at the gateway

ids = st.integers(1, 10**18 - 1)
tokens = st.text("ABCabc019-_", min_size=1, max_size=16)


@given(ids, ids, tokens)
def test_an_order_carries_where_to_look_and_fits_the_gateway(schedule_id, reservation_id, token):
    text = order_id(schedule_id, reservation_id, token)
    assert read_order_id(text) == (schedule_id, reservation_id)
    assert 6 <= len(order_id(schedule_id, reservation_id, "A" * 16)) <= 64
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7-101",
        "-7-101-x",
        "a-101-x",
        "7-b-x",
        "7.5-101-x",
        "7- 1-x",
        "\u0667-101-x",
        f"7-{2**63}-x",
        "²-1-x",
    ],
)
def test_what_is_no_order_of_ours_is_not_found(text):
    with pytest.raises(NotFound):
        read_order_id(text)


@given(st.text(max_size=80))
def test_whatever_comes_as_an_order_is_two_numbers_or_not_found(text):
    try:
        numbers = read_order_id(text)
    except NotFound:
        return
    assert all(0 <= number < 10**18 for number in numbers)


@pytest.mark.parametrize(
    ("title", "seats", "expected"),
    [
        ("LG : Doosan", (seat(3),), "LG : Doosan · 113 5-3"),
        ("LG : Doosan", (seat(3), seat(4)), "LG : Doosan · 113 5-3 +1"),
        ("LG : Doosan", (seat(3), seat(4), seat(5)), "LG : Doosan · 113 5-3 +2"),
        ("x" * 90, (seat(3),), "x" * 90 + " · 113 5-3"),
        ("x" * 91, (seat(3),), "x" * 89 + "… · 113 5-3"),
    ],
    ids=["one seat", "two", "three", "just fits", "cut short"],
)
def test_an_order_is_called_by_the_occasion_and_the_first_seat(title, seats, expected):
    assert order_name(title, seats) == expected


@given(
    st.text(min_size=1, max_size=200),
    st.text(min_size=1, max_size=MAX_NAME_CHARS),
    st.text(min_size=1, max_size=MAX_LABEL_CHARS),
    st.integers(1, 4),
)
def test_no_orders_name_is_too_long_for_the_gateway(title, block, label, count):
    seats = tuple(seat(number, block=block, seat_label=label) for number in range(count))
    assert 1 <= len(order_name(title, seats)) <= MAX_ORDER_NAME_LENGTH


def test_the_longest_names_of_a_plan_make_a_name_that_the_gateway_takes():
    longest = seat(
        1, block="b" * MAX_NAME_CHARS, row_label="r" * MAX_LABEL_CHARS, seat_label="s" * MAX_LABEL_CHARS
    )
    assert len(order_name("t" * 200, (longest, seat(2)))) <= MAX_ORDER_NAME_LENGTH


# --- seats


def test_a_seat_is_reserved_at_the_price_of_the_moment():
    offer = Offer(
        "1루 레드석", "113", Seat("g1", 5, 3, "5", "3", 0, 0, "r"), Grade("r", "레드석", "#d03030", 15_000)
    )
    assert reserved_seat(3, offer) == seat(3)
    assert seat(3).place == "113 5-3"


def test_the_seats_that_no_refund_took_back_are_kept():
    part = reservation().with_seat(seat(1, refund_id=701))
    assert part.seat_ids == (1, 2)
    assert part.kept == (seat(2),)


def test_a_part_is_found_by_its_number_or_not_at_all():
    whole = reservation(payments=(payment(901), payment(902)), refunds=(refund(701), refund(702)))
    assert (whole.seat(2), whole.payment(902), whole.refund(702)) == (seat(2), payment(902), refund(702))
    for find in (whole.seat, whole.payment, whole.refund):
        with pytest.raises(NotFound, match="999"):
            find(999)


# --- where it stands


@pytest.mark.parametrize(
    ("status", "payments", "now", "expected"),
    [
        (ReservationStatus.PENDING, (), END - 1, ReservationStatus.PENDING),
        (ReservationStatus.PENDING, (), END, ReservationStatus.EXPIRED),
        (ReservationStatus.PENDING, (payment(),), END + 1, ReservationStatus.PENDING),
        (
            ReservationStatus.PENDING,
            (payment(status=PaymentStatus.FAILED),),
            END + 1,
            ReservationStatus.EXPIRED,
        ),
        (ReservationStatus.CONFIRMED, (), END + 1, ReservationStatus.CONFIRMED),
        (ReservationStatus.CANCELLED, (), END + 1, ReservationStatus.CANCELLED),
        (ReservationStatus.EXPIRED, (), NOW, ReservationStatus.EXPIRED),
    ],
    ids=["in time", "to the millisecond", "being paid", "refused", "paid", "cancelled", "expired"],
)
def test_the_clock_ends_what_is_not_paid_and_not_being_paid(status, payments, now, expected):
    assert reservation(status, payments=payments).status_at(now) is expected


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, None),
        ({"payments": (payment(status=PaymentStatus.FAILED),)}, None),
        ({"payments": (payment(),)}, PaymentUnderWay),
        ({"status": ReservationStatus.CONFIRMED}, ReservationClosed),
        ({"status": ReservationStatus.CANCELLED}, ReservationClosed),
        ({"status": ReservationStatus.EXPIRED}, ReservationClosed),
        ({"expires_ms": NOW}, ReservationClosed),
    ],
    ids=["pending", "refused", "being paid", "paid", "cancelled", "expired", "ended by the clock"],
)
def test_only_what_is_open_and_not_being_paid_can_be_changed(changed, error):
    one = reservation(**changed)
    if error is None:
        assert one.require_undecided(NOW) is None
        return
    with pytest.raises(error) as refused:
        one.require_undecided(NOW)
    assert refused.value.seat_ids == (1, 2)


# --- its parts in their new states


def test_a_payment_takes_the_place_of_the_one_with_its_number():
    one = reservation(payments=(payment(901, PaymentStatus.FAILED), payment(903)))
    both = one.with_payment(payment(902, PaymentStatus.FAILED)).with_payment(payment(903, PaymentStatus.DONE))
    assert [(each.id, each.status) for each in both.payments] == [
        (901, PaymentStatus.FAILED),
        (902, PaymentStatus.FAILED),
        (903, PaymentStatus.DONE),
    ]
    assert (one.paying, both.paying) == (payment(903), None)


def test_a_refund_moves_its_own_payment_only():
    bought = payment(902, PaymentStatus.DONE, charged=30_000)
    late = payment(901, PaymentStatus.FAILED, charged=30_000)
    one = reservation(payments=(late, bought))
    owed = one.with_refund(refund(701, amount=30_000, seat_ids=()))
    assert [each.status for each in owed.payments] == [PaymentStatus.REFUND_DUE, PaymentStatus.DONE]
    assert owed.owed() == 30_000
    back = owed.with_refund(refund(701, RefundStatus.DONE, amount=30_000, seat_ids=()))
    assert [each.status for each in back.payments] == [PaymentStatus.CANCELED, PaymentStatus.DONE]
    assert (len(back.refunds), back.owed()) == (1, 0)


@pytest.mark.parametrize(
    ("seats", "status", "expected"),
    [
        ((seat(1, refund_id=701), seat(2)), RefundStatus.DUE, PaymentStatus.REFUND_DUE),
        ((seat(1, refund_id=701), seat(2)), RefundStatus.DONE, PaymentStatus.DONE),
        ((seat(1, refund_id=701), seat(2, price=0)), RefundStatus.DONE, PaymentStatus.DONE),
        ((seat(1, refund_id=701), seat(2, refund_id=700)), RefundStatus.DONE, PaymentStatus.CANCELED),
    ],
    ids=["on its way", "a seat is left", "one that cost nothing is left", "none is left"],
)
def test_a_payment_is_canceled_when_the_money_is_back_and_no_seat_is_left(seats, status, expected):
    one = reservation(seats=seats, payments=(payment(901, PaymentStatus.DONE, charged=30_000),))
    assert one.with_refund(refund(701, status)).payment(901).status is expected


def test_what_is_owed_is_the_sum_of_what_has_not_gone_back():
    one = reservation(
        refunds=(refund(701), refund(702, RefundStatus.DONE, amount=7), refund(703, amount=1_000))
    )
    assert one.owed() == 16_000


def test_moving_changes_the_status_and_nothing_else():
    assert reservation().moved(ReservationStatus.EXPIRED) == reservation(ReservationStatus.EXPIRED)


def test_a_buyer_may_ask_for_money_back_until_so_many_hours_before_the_start():
    hour_ms = 3_600_000
    starts_ms = NOW + 24 * hour_ms
    deadline_ms = refund_deadline_ms(starts_ms, 24)
    require_in_time([seat(1)], NOW, deadline_ms)
    with pytest.raises(NotRefundable, match="ask the organiser"):
        require_in_time([seat(1)], NOW + 1, deadline_ms)
    require_in_time([seat(1)], NOW + hour_ms, refund_deadline_ms(starts_ms, 23))


def test_a_ticket_that_was_used_is_not_refunded_in_time_either():
    with pytest.raises(NotRefundable) as refusal:
        require_in_time([seat(1), seat(2, checked_in_ms=NOW)], NOW, NOW)
    assert refusal.value.seat_ids == (2,)
