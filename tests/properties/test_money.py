"""Random histories of sales: whatever buyers, clocks and the gateway do, every won is for a seat or on its way back.

The pure domain goes through thousands of steps, over a store in a dict and a gateway that loses its answers, gives
them late, twice or wrong. The same is then asked of real processes: two kinds of database, `jari serve` and the
sandbox gateway with its own books.
"""

import itertools
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jari.domain.commands import payments
from jari.domain.commands.holds import Expire, Hold, Release
from jari.domain.commands.payments import BeginPayment, PostponePayment, SettlePayment
from jari.domain.commands.refunds import PostponeRefund, RefundSeats, SettleRefund
from jari.domain.commands.reservations import Book, CancelReservation, ExpireReservation, Reserve
from jari.domain.commands.tickets import CheckIn
from jari.domain.errors import JariError
from jari.domain.payments import Charged, NoAnswer, NotCharged, NothingYet, PaymentStatus, RefundStatus
from jari.domain.reservations import Offer, PriceList, Reservation, ReservationStatus
from jari.domain.seating import Seating, Status
from jari.domain.venues import Grade, Seat
from support.deciding import DictStore, outcome_of
from support.purchases import Purchase, books_at_rest, disagreements, open_shop

SCHEDULE = 7
PRICES = {1: 10_000, 2: 20_000, 3: 30_000, 4: 40_000, 5: 50_000, 6: 0, 7: 0}
SEATS = tuple(PRICES)
BUYERS = (1, 2, 3)
MAX_SEATS = 4
HOLD_MS = 40
PRICE_LIST = PriceList(
    "LG : Doosan",
    "KRW",
    {
        seat_id: Offer("1루", "113", Seat(f"g{seat_id}", 1, seat_id, "1", str(seat_id), 0, 0, "r"), grade)
        for seat_id, price in PRICES.items()
        for grade in [Grade("r", "레드석", "#d03030", price)]
    },
)

PENDING, CONFIRMED = ReservationStatus.PENDING, ReservationStatus.CONFIRMED
CANCELLED, EXPIRED = ReservationStatus.CANCELLED, ReservationStatus.EXPIRED
CONFIRMING, DONE, FAILED = PaymentStatus.CONFIRMING, PaymentStatus.DONE, PaymentStatus.FAILED
CANCELED, REFUND_DUE = PaymentStatus.CANCELED, PaymentStatus.REFUND_DUE
MOVES = {
    None: {PENDING, CONFIRMED},  # what costs nothing is confirmed as it is made
    PENDING: {CONFIRMED, CANCELLED, EXPIRED},
    EXPIRED: {PENDING},
    CONFIRMED: {CANCELLED},
    CANCELLED: set(),
}
PAYMENT_MOVES = {
    None: {CONFIRMING, DONE},
    CONFIRMING: {DONE, FAILED, REFUND_DUE},  # REFUND_DUE at once where the seats were gone
    FAILED: {REFUND_DUE},
    DONE: {REFUND_DUE, CANCELED},  # CANCELED at once where nothing had to go back
    REFUND_DUE: {DONE, CANCELED},
    CANCELED: set(),
}


@dataclass
class Slip:
    """A payment in the gateway's books: what was taken, and what went back for which refund."""

    order_id: str
    taken: int = 0
    given: dict[int, int] = field(default_factory=dict)

    @property
    def left(self):
        return self.taken - sum(self.given.values())


@dataclass
class Wish:
    """What somebody asks for; the numbers choose among what there is, the newest first."""

    kind: str
    buyer: int
    seats: tuple[int, ...]
    which: int
    other: int
    odd: bool


KINDS_OF_WISH = (
    "hold", "book", "book", "book held", "reserve", "release", "cancel", "expire", "sweep", "begin", "begin", "begin",
    "settle", "settle", "settle", "postpone", "refund", "refund", "settle refund", "postpone refund", "check in",
)  # fmt: skip
choices = st.lists(st.sampled_from(SEATS), min_size=1, max_size=3, unique=True).map(tuple)
wishes = st.builds(
    Wish,
    kind=st.sampled_from(KINDS_OF_WISH),
    buyer=st.sampled_from(BUYERS),
    seats=choices,
    which=st.integers(0, 5),
    other=st.integers(0, 5),
    odd=st.booleans(),
)
happened = Counter()  # over all histories: a property of what never happens says nothing


def picture(office):
    """All reservations, events, seats and changes as they are now."""
    seating = office.seating
    return (
        dict(office._reservations.now),
        list(office.events),
        dict(seating._seats.now),
        list(seating.changes),
    )


def pick(things, number):
    """One of them, the newest first."""
    things = list(things)
    return things[-1 - number % len(things)] if things else None


def unsettled(wish):
    """What leaves a payment or a refund open."""
    return NothingYet("X", "x") if wish.odd else NoAnswer("X", "x")


class Sales(RuleBasedStateMachine):
    """A store that is read and written as a till does, and a gateway beside it."""

    def __init__(self):
        super().__init__()
        self.store = DictStore(SEATS, 1_000)
        self.numbers = itertools.count(1)
        self.slips = {}  # payment key → what the gateway knows of it
        self.letters = []  # what the gateway has said and nobody has heard yet
        self.told = []  # events

    @property
    def now(self):
        return self.store.now

    @property
    def allocations(self):
        return self.store.allocations

    @property
    def reservations(self):
        return self.store.reservations

    # --- what happens

    @rule(ms=st.integers(1, 30))
    def time_goes_by(self, ms):
        self.store.now += ms

    @rule(selling=st.sampled_from([True, True, True, False]))
    def the_sale_opens_or_closes(self, selling):
        self.store.selling = selling

    @rule(batch=st.lists(wishes, min_size=1, max_size=4), swept=st.booleans())
    def a_batch_is_decided(self, batch, swept):
        """With a sweep in it, the batch knows of every seat; without, of those only that its commands need."""
        commands = [command for wish in batch if (command := self.command(wish)) is not None]
        self.commit([*commands, Expire(SEATS)] if swept else commands)

    @rule(
        buyer=st.sampled_from(BUYERS),
        seats=choices,
        paid=st.booleans(),
        more=st.sampled_from([0, 0, 0, 1]),
        twice=st.booleans(),
    )
    def somebody_books_and_goes_to_pay(self, buyer, seats, paid, more, twice):
        (booked,) = self.commit([self.book(buyer, seats)])
        if isinstance(booked, Reservation) and booked.amount:
            key = f"key-{next(self.numbers)}"
            self.commit([self.begin(booked, key, booked.amount)])
            if twice:
                self.commit([self.begin(booked, f"key-{next(self.numbers)}", booked.amount)])
            if paid and key in self.slips:
                self.the_gateway_charges(list(self.slips)[::-1].index(key), more, 1)
                self.commit([self.settle(*self.letters.pop())])

    @rule(buyer=st.sampled_from(BUYERS), seats=choices)
    def somebody_books_the_seats_of_one_hold_one_by_one(self, buyer, seats):
        self.commit([self.hold(buyer, seats)])
        for seat_id in seats:
            self.commit([self.book(buyer, (seat_id,))])

    @rule(buyer=st.sampled_from(BUYERS), seats=choices)
    def somebodys_first_payment_comes_after_the_second(self, buyer, seats):
        """The gateway said no, and then it charged all the same."""
        (booked,) = self.commit([self.book(buyer, seats)])
        if isinstance(booked, Reservation) and booked.amount and not booked.payments:
            first, second = [self.begin(booked, f"key-{next(self.numbers)}", booked.amount) for _ in "12"]
            refused = self.settle(booked.id, first.payment_id, NotCharged("REJECT_CARD_COMPANY", "no"))
            self.commit([first])
            self.commit([refused, second])
            for key in (second.payment_key, first.payment_key):
                self.slips[key].taken = booked.amount
                self.commit([self.settle(*self.truth(*self.sale_of(key)))])

    @rule(buyer=st.sampled_from(BUYERS), seats=choices)
    def somebodys_card_is_refused(self, buyer, seats):
        (booked,) = self.commit([self.book(buyer, seats)])
        if isinstance(booked, Reservation) and booked.amount and not booked.payments:
            begin = self.begin(booked, f"key-{next(self.numbers)}", booked.amount)
            self.commit([begin])
            self.commit([self.settle(booked.id, begin.payment_id, NotCharged("REJECT_CARD_PAYMENT", "no"))])

    @precondition(lambda self: self.confirmed())
    @rule(which=st.integers(0, 5), other=st.integers(0, 5), given=st.booleans())
    def one_seat_goes_back(self, which, other, given):
        reservation = pick(self.confirmed(), which)
        seat = pick(reservation.kept, other)
        self.commit([*self.refunds_of(reservation, (seat.seat_id,)), CheckIn(reservation.id, seat.seat_id)])
        if given:
            due = [each for each in self.due_refunds() if each[0].id == reservation.id]
            for each in due:
                self.give_back(*each)
            self.commit([SettleRefund(reservation.id, refund.id) for _, refund in due])

    @precondition(lambda self: self.confirmed())
    @rule(which=st.integers(0, 5), other=st.integers(0, 5))
    def a_ticket_is_shown_twice(self, which, other):
        reservation = pick(self.confirmed(), which)
        self.commit([CheckIn(reservation.id, pick(reservation.kept, other).seat_id)] * 2)

    @precondition(lambda self: self.late())
    @rule(which=st.integers(0, 5), selling=st.booleans())
    def somebody_comes_late_to_pay(self, which, selling):
        reservation = pick(self.late(), which)
        self.store.selling = selling
        self.commit([self.begin(reservation, f"key-{next(self.numbers)}", reservation.amount)])

    @precondition(lambda self: self.slips)
    @rule(which=st.integers(0, 5), more=st.sampled_from([0, 0, 0, 0, -1, 1]), told=st.sampled_from([0, 1, 2]))
    def the_gateway_charges(self, which, more, told):
        """Once, whenever it likes: before or after it said no, and with or without a word, or two."""
        key = pick(self.slips, which)
        slip, reservation, payment = self.slips[key], *self.sale_of(key)
        if not slip.taken:
            slip.taken = payment.amount + more
        letter = (reservation.id, payment.id, Charged(key, slip.order_id, slip.taken, "card"))
        self.letters += [letter] * told

    @precondition(lambda self: self.slips)
    @rule(which=st.integers(0, 5))
    def the_gateway_says_no(self, which):
        """It may have charged before, and may charge afterwards."""
        reservation, payment = self.sale_of(pick(self.slips, which))
        self.letters.append((reservation.id, payment.id, NotCharged("REJECT_CARD_PAYMENT", "no")))

    @precondition(lambda self: self.due_refunds())
    @rule(which=st.integers(0, 5))
    def the_gateway_gives_back(self, which):
        self.give_back(*pick(self.due_refunds(), which))

    @precondition(lambda self: self.slips)
    @rule(now=st.sampled_from([False, False, True]))
    def everything_comes_to_rest(self, now):
        """The truth about every payment is heard, every refund is given, and every hold ends."""
        if not now:
            return
        self.commit([self.settle(*self.truth(*each)) for each in self.tries()])
        self.letters.clear()
        due = self.due_refunds()
        for reservation, refund in due:
            self.give_back(reservation, refund)
        self.commit([SettleRefund(reservation.id, refund.id) for reservation, refund in due])
        self.store.now += HOLD_MS
        self.commit([Expire(SEATS), *(ExpireReservation(each) for each in self.reservations)])
        happened["rest"] += 1
        assert self.due_refunds() == []
        assert {each.status for each in self.reservations.values()} <= {CONFIRMED, CANCELLED, EXPIRED}
        assert {each.status for each in self.allocations.values()} <= {Status.OCCUPIED}
        for reservation in self.reservations.values():
            kept = sum(slip.left for slip in self.slips.values() if slip.order_id == reservation.order_id)
            assert kept == self.worth(reservation), "the gateway keeps the price of what is sold, no won more"
            assert reservation.status is not CONFIRMED or self.can_be_refunded(reservation)
        sold = sum(PRICES[seat_id] for seat_id in self.allocations)
        assert sum(slip.left for slip in self.slips.values()) == sold

    # --- as commands

    def command(self, wish):  # noqa: PLR0911 - a table
        reservation = pick(self.reservations.values(), wish.which)
        match wish.kind:
            case "hold":
                return self.hold(wish.buyer, wish.seats)
            case "book":
                return self.book(wish.buyer, wish.seats)
            case "book held":
                return self.book(wish.buyer, self.some_held(wish))
            case "reserve":
                return self.reserve(wish.buyer)
            case "release":
                return Release(wish.buyer, self.some_held(wish))
            case "sweep":
                return Expire(SEATS)
            case "settle":
                letter = pick(self.letters, wish.which)
                if letter and wish.odd:
                    self.letters.remove(letter)
                return letter and self.settle(*letter)
            case "settle refund":
                given = [each for each in self.due_refunds() if each[1].id in self.given(each[1])]
                found = pick(given, wish.which)
                return found and SettleRefund(found[0].id, found[1].id)
        return reservation and self.command_about(reservation, wish)

    def command_about(self, reservation, wish):  # noqa: PLR0911 - a table
        payment = pick(reservation.payments, wish.other)
        refund = pick(reservation.refunds, wish.other)
        match wish.kind:
            case "cancel":
                return CancelReservation(reservation.id, reservation.buyer_id)
            case "expire":
                return ExpireReservation(reservation.id)
            case "begin":
                anybodys = pick(self.slips, wish.other)  # a key comes from a browser
                key = anybodys if wish.odd and anybodys else f"key-{next(self.numbers)}"
                return self.begin(reservation, key, reservation.amount + (wish.other == 5))
            case "postpone":
                return payment and PostponePayment(reservation.id, payment.id, 5, unsettled(wish))
            case "refund":
                seats = tuple(seat for seat in reservation.seat_ids if seat in wish.seats)
                buyer = None if wish.odd else reservation.buyer_id
                number = next(self.numbers)
                deadline = self.now - 1 + wish.buyer
                return payment and RefundSeats(
                    reservation.id, payment.id, number, seats, "no time", 5, buyer, deadline
                )
            case "postpone refund":
                return refund and PostponeRefund(reservation.id, refund.id, 5, unsettled(wish))
            case "check in":
                return CheckIn(reservation.id, pick(reservation.seat_ids, wish.other))

    def hold(self, buyer, seats):
        return Hold(buyer, seats, f"h{next(self.numbers)}", HOLD_MS, MAX_SEATS)

    def reserve(self, buyer):
        return Reserve(buyer, SCHEDULE, next(self.numbers), "token", PRICE_LIST)

    def book(self, buyer, seats):
        return Book(self.hold(buyer, seats), self.reserve(buyer))

    def begin(self, reservation, key, amount):
        return BeginPayment(
            reservation.id, reservation.buyer_id, reservation.order_id, amount, next(self.numbers), "toss", key,
            5, MAX_SEATS, 20, "KRW", 10 * HOLD_MS,
        )  # fmt: skip

    def settle(self, reservation_id, payment_id, result):
        return SettlePayment(reservation_id, payment_id, result)

    def refunds_of(self, reservation, seat_ids):
        """What the organiser asks for who does not know which payment has bought the seats."""
        return [
            RefundSeats(reservation.id, payment.id, next(self.numbers), seat_ids, "rain", 5, None, 0)
            for payment in reservation.payments
        ]

    def confirmed(self):
        return [each for each in self.reservations.values() if each.status is CONFIRMED]

    def late(self):
        """Reservations whose time to pay is over."""
        return [each for each in self.reservations.values() if each.status_at(self.now) is EXPIRED]

    def can_be_refunded(self, reservation):
        """Whether the organiser could take back all that is left of it."""
        outcomes = [outcome_of(self.store.read([each]), each) for each in self.refunds_of(reservation, ())]
        return any(isinstance(each, Reservation) and each.status is CANCELLED for each in outcomes)

    def some_held(self, wish):
        held = [
            each.seat_id
            for each in self.allocations.values()
            if each.buyer_id == wish.buyer and each.status is Status.HOLD
        ]
        return tuple(held[wish.other % 2 :][: 1 + wish.which % 3]) or wish.seats

    # --- the store, as a till uses it

    def commit(self, commands):
        office = self.store.read(commands)
        outcomes = [self.decide(office, command) for command in commands]
        self.store.write(office)
        for update in office.updates():
            for payment in update.after.payments:
                if payment.gateway == "toss":
                    self.slips.setdefault(payment.payment_key, Slip(update.after.order_id))
        self.told += office.events
        return outcomes

    def decide(self, office, command):
        before = picture(office)
        outcome = outcome_of(office, command)
        if isinstance(outcome, JariError):
            assert picture(office) == before, "a refusal changes nothing"
            happened[type(command).__name__, type(outcome).__name__] += 1
        else:
            happened[type(command).__name__] += 1
        for reservation in office._reservations.now.values():
            self.check_moves(before[0].get(reservation.id), reservation)
        return outcome

    def check_moves(self, before, after):
        old, new = before and before.status, after.status
        if old is not new:
            assert new in MOVES[old], f"a reservation went from {old} to {new}"
            happened[f"{old} to {new}"] += 1
        for payment in after.payments:
            known = [each.status for each in before.payments if each.id == payment.id] if before else []
            was = known[0] if known else None
            if was is not payment.status:
                assert payment.status in PAYMENT_MOVES[was], f"a payment went from {was} to {payment.status}"
                happened[f"payment: {was} to {payment.status}"] += 1

    # --- the gateway's side

    def tries(self):
        """Every payment at the gateway, with its reservation."""
        return [
            (each, payment)
            for each in self.reservations.values()
            for payment in each.payments
            if payment.payment_key in self.slips
        ]

    def sale_of(self, key):
        """The payment of the order that the gateway knows this key for."""
        ((reservation, payment),) = [
            (each, payment)
            for each, payment in self.tries()
            if payment.payment_key == key and each.order_id == self.slips[key].order_id
        ]
        return reservation, payment

    def truth(self, reservation, payment):
        key, slip = payment.payment_key, self.slips[payment.payment_key]
        if slip.taken and slip.order_id == reservation.order_id:
            return reservation.id, payment.id, Charged(key, slip.order_id, slip.taken, "card")
        return reservation.id, payment.id, NotCharged("EXPIRED", "never")

    def due_refunds(self):
        return [
            (reservation, refund)
            for reservation in self.reservations.values()
            for refund in reservation.refunds
            if refund.status is RefundStatus.DUE
        ]

    def given(self, refund):
        return {number for slip in self.slips.values() for number in slip.given if number == refund.id}

    def give_back(self, reservation, refund):
        """Whoever asks twice is given once."""
        slip = self.slips[reservation.payment(refund.payment_id).payment_key]
        if refund.id not in slip.given:
            assert refund.amount <= slip.left, "nobody asks for more than the payment has left"
            slip.given[refund.id] = refund.amount

    # --- what is always so

    def worth(self, reservation):
        """The price of the reservation's OCCUPIED seats, as the store has them."""
        if reservation.status is not CONFIRMED:
            return 0  # that nothing else is OCCUPIED is asked below
        return sum(
            each.price
            for each in reservation.seats
            if (own := self.allocations.get(each.seat_id)) is not None
            and (own.status, own.hold_id) == (Status.OCCUPIED, reservation.hold_id)
        )

    @invariant()
    def a_reservation_costs_what_its_seats_cost(self):
        for each in self.reservations.values():
            assert each.amount == sum(seat.price for seat in each.seats)
            assert all(seat.price == PRICES[seat.seat_id] for seat in each.seats)

    @invariant()
    def all_money_is_for_seats_or_on_its_way_back(self):
        for each in self.reservations.values():
            charged = sum(payment.charged for payment in each.payments)
            back = sum(refund.amount for refund in each.refunds)
            assert charged - back == self.worth(each)
            for payment in each.payments:
                back = sum(refund.amount for refund in each.refunds if refund.payment_id == payment.id)
                assert 0 <= back <= payment.charged, "no payment gives back more than it took"

    @invariant()
    def a_sold_seat_is_in_one_confirmed_reservation_that_a_payment_covers(self):
        owners = {}
        for each in self.reservations.values():
            if each.status is CONFIRMED:
                for seat in each.kept:
                    assert seat.seat_id not in owners, "a seat has one owner"
                    owners[seat.seat_id] = (each.buyer_id, each.hold_id)
                covering = [payment for payment in each.payments if payment.charged == each.amount]
                still_paid = {DONE, REFUND_DUE} if self.worth(each) else {DONE, REFUND_DUE, CANCELED}
                assert still_paid & {payment.status for payment in covering}
        occupied = [each for each in self.allocations.values() if each.status is Status.OCCUPIED]
        assert {each.seat_id: (each.buyer_id, each.hold_id) for each in occupied} == owners

    @invariant()
    def what_is_being_paid_is_held_without_an_end_and_nothing_else_is(self):
        firm = {
            seat_id: (each.buyer_id, each.hold_id)
            for seat_id, each in self.allocations.items()
            if each.status is Status.HOLD and each.expires_ms is None
        }
        paying = [each for each in self.reservations.values() if each.paying]
        assert {each.status for each in paying} <= {PENDING}
        assert firm == {
            seat_id: (each.buyer_id, each.hold_id) for each in paying for seat_id in each.seat_ids
        }

    @invariant()
    def an_unpaid_reservation_has_all_its_seats_until_it_ends(self):
        for each in self.reservations.values():
            if each.status_at(self.now) is PENDING and not each.paying:
                for seat_id in each.seat_ids:
                    own = self.allocations.get(seat_id)
                    assert own is not None
                    assert (own.status, own.buyer_id) == (Status.HOLD, each.buyer_id)
                    assert (own.hold_id, own.expires_ms) == (each.hold_id, each.expires_ms)

    @invariant()
    def a_reservation_is_paid_once_at_a_time(self):
        for each in self.reservations.values():
            assert sum(payment.status in (CONFIRMING, DONE) for payment in each.payments) <= 1

    @invariant()
    def nobody_has_too_many_seats(self):
        live = [each.buyer_id for each in self.allocations.values() if not each.is_free(self.now)]
        assert max(Counter(live).values(), default=0) <= MAX_SEATS

    @invariant()
    def our_books_are_the_gateways(self):
        for each in self.reservations.values():
            for payment in each.payments:
                slip = self.slips.get(payment.payment_key)
                if payment.status in (CONFIRMING, FAILED):
                    assert payment.charged == 0
                elif slip is not None:
                    assert payment.charged == slip.taken
                    assert slip.left >= 0
            for refund in each.refunds:
                if refund.status is RefundStatus.DONE and refund.amount:
                    slip = self.slips[each.payment(refund.payment_id).payment_key]
                    assert slip.given[refund.id] == refund.amount

    @invariant()
    def the_events_tell_the_same_story(self):
        counted = Counter((event.kind, event.reservation_id) for event in self.told)
        for each in self.reservations.values():
            assert counted["reservation.created", each.id] == 1
            tickets = each.status is CONFIRMED or any(refund.seat_ids for refund in each.refunds)
            assert counted["reservation.confirmed", each.id] == tickets
            assert counted["reservation.cancelled", each.id] == (each.status is CANCELLED)
            assert counted["refund.due", each.id] == sum(1 for refund in each.refunds if refund.amount)
        refunds = [refund for each in self.reservations.values() for refund in each.refunds]
        assert self.told_amount("refund.due") == sum(each.amount for each in refunds)
        assert self.told_amount("refund.done") == sum(
            each.amount for each in refunds if each.status is RefundStatus.DONE
        )

    def told_amount(self, kind):
        return sum(event.amount for event in self.told if event.kind == kind)


BOUNDS = settings(
    max_examples=400,
    stateful_step_count=50,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
MUST_HAPPEN = (
    "None to CONFIRMED",
    "PENDING to CONFIRMED",
    "PENDING to CANCELLED",
    "PENDING to EXPIRED",
    "EXPIRED to PENDING",
    "CONFIRMED to CANCELLED",
    "payment: CONFIRMING to FAILED",
    "payment: CONFIRMING to REFUND_DUE",
    "payment: FAILED to REFUND_DUE",
    "payment: DONE to REFUND_DUE",
    "payment: REFUND_DUE to DONE",
    "payment: REFUND_DUE to CANCELED",
    ("BeginPayment", "PaymentUnderWay"),
    ("BeginPayment", "AmountMismatch"),
    ("BeginPayment", "ReservationExpired"),
    ("BeginPayment", "SaleNotOpen"),
    ("RefundSeats", "NotRefundable"),
    ("CheckIn", "TicketUsed"),
    "rest",
)


def test_in_every_history_all_money_is_for_a_seat_or_on_its_way_back():
    happened.clear()
    run_state_machine_as_test(Sales, settings=BOUNDS)
    assert [each for each in MUST_HAPPEN if not happened[each]] == []


PAID = payments._paid


def keep_the_money(office, reservation, payment, charged):
    """Whoever pays for seats that are gone has paid."""
    owed = PAID(office, reservation, payment, charged)
    if len(owed.refunds) > len(reservation.refunds):
        office.events.pop()
        owed = replace(owed, refunds=reservation.refunds).with_payment(
            replace(owed.payment(payment.id), status=PaymentStatus.DONE)
        )
        office.move(owed)
    return owed


def nothing(*_):
    """What a rule does that somebody has forgotten."""


BROKEN = {
    "no refund where the seats were gone": (payments, "_paid", keep_the_money),
    "a hold can end while it is paid": (Seating, "firm", nothing),
    "a hold stays firm when its payment has failed": (Seating, "loosen", nothing),
    "refunded seats stay sold": (Seating, "vacate", nothing),
    "what is refunded may be refunded again": (Reservation, "require_refundable", nothing),
    "what is being paid may be cancelled": (Reservation, "require_not_paying", nothing),
}


@pytest.mark.parametrize(("where", "name", "instead"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_found_out(monkeypatch, where, name, instead):
    """The negative control: without one of these rules money or seats must go astray."""
    monkeypatch.setattr(where, name, instead)
    search = settings(
        BOUNDS, phases=[Phase.generate], database=None, derandomize=True, report_multiple_bugs=False
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Sales, settings=search)


# --- the same of real processes

PURCHASES, AT_ONCE = 24, 8
TROUBLES = (
    None,
    None,
    {"drop": "before"},
    {"drop": "after"},
    {"code": "PROVIDER_ERROR"},
    {"code": "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING"},
    {"code": "REJECT_CARD_COMPANY"},
    {"delaySeconds": 1.3},  # beyond the time limit of a call
    {"delaySeconds": 1.3, "delayed": "after"},
)


def misbehave(purchase, mood, *calls):
    """The gateway's next calls about this order go wrong, or not."""
    for call in calls:
        if trouble := mood.choice(TROUBLES):
            purchase.shop.sandbox.behave(call, orderId=purchase.order_id, **trouble)


def shopping(purchase, mood):
    """A buyer who holds, reserves, pays, tries again and gives back, as the mood is; what was answered."""
    answers = []
    while not purchase.reservation:  # there are seats enough for all
        purchase.seat_ids = tuple(mood.sample(purchase.match.seat_ids, mood.randint(1, 2)))
        answers += [purchase.book()] if mood.random() < 0.5 else [purchase.hold(), purchase.reserve()]
    if mood.random() < 0.1:
        return [*answers, purchase.cancel()]
    purchase.authenticate(mood.choice(["good", "good", "good", "rejected"]))
    misbehave(purchase, mood, "confirm", "get")
    answers += confirmed_by_several(purchase, mood.choice([1, 1, 2]))
    if purchase.look()["status"] == "PENDING" and mood.random() < 0.5:
        answers += [purchase.cancel(), *confirmed_by_several(purchase, 1)]
    while purchase.look()["status"] == "CONFIRMED" and mood.random() < 0.6:
        misbehave(purchase, mood, "cancel", "get")
        some = mood.sample(purchase.seat_ids, mood.randint(0, len(purchase.seat_ids)))
        answers.append(purchase.refund(some, key=str(len(answers))))
    return answers


def confirmed_by_several(purchase, tabs):
    with ThreadPoolExecutor(tabs) as pool:
        return [each.result() for each in [pool.submit(purchase.confirm) for _ in range(tabs)]]


def test_with_real_processes_the_gateway_keeps_the_price_of_what_is_sold(database_url, tmp_path):
    with open_shop(database_url, tmp_path, hold_seconds=4) as shop, ThreadPoolExecutor(AT_ONCE) as pool:
        match, moods = (
            shop.world.match(rows=5, cols=8),
            [random.Random(f"mood {number}") for number in range(PURCHASES)],
        )
        purchases = [Purchase(shop, match, buyer, seat_ids=()) for buyer in shop.world.buyers(PURCHASES)]
        answers = [each for one in pool.map(shopping, purchases, moods) for each in one]
        found = books_at_rest(shop, match)
    assert disagreements(found) == []
    occupied = [each.seat_id for each in found.allocations if each.status is Status.OCCUPIED]
    price_of = {seat.seat_id: seat.price for each in found.reservations for seat in each.seats}
    kept = sum(each["balanceAmount"] for each in found.ledger if each["charges"])
    assert kept == sum(price_of[seat_id] for seat_id in occupied)
    assert {each.status_code for each in answers} <= {200, 201, 202, 402, 404, 409}
    assert len(occupied) > PURCHASES / 4  # it was for real
    assert sum(len(each.refunds) for each in found.reservations) > PURCHASES / 8
    assert any(payment.status is FAILED for each in found.reservations for payment in each.payments)
