"""What may become of a sale: every command in every state, decided without a clock, a loop or a database."""

import itertools
from dataclasses import replace

import pytest

from jari.domain import errors
from jari.domain.commands.holds import Expire, Expired, Hold, Release, Released
from jari.domain.commands.payments import BeginPayment, PostponePayment, SettlePayment
from jari.domain.commands.refunds import PostponeRefund, RefundSeats, SettleRefund
from jari.domain.commands.reservations import Book, CancelReservation, ExpireReservation, Reserve
from jari.domain.commands.tickets import CheckIn
from jari.domain.drafts import Draft
from jari.domain.payments import Charged, NoAnswer, NotCharged, NothingYet, PaymentStatus, RefundStatus
from jari.domain.reservations import Offer, PriceList, Reservation, ReservationStatus
from jari.domain.seating import Change, Held, Status
from jari.domain.venues import Grade, Seat
from support.deciding import DictStore, Faulty, outcome_of

NOW = 1_000_000
HOLD_MS = 300_000
END = NOW + HOLD_MS
PATIENCE_MS = 90_000
GRACE_MS = 600_000
MAX_TRIES = 20
DEADLINE = NOW + 10_000_000
SCHEDULE, OTHER_SCHEDULE = 7, 8
ANN, BEN = 1, 2
PRICES = {1: 10_000, 2: 20_000, 3: 30_000, 4: 40_000, 5: 50_000, 8: 0, 9: 0}  # two seats cost nothing
ORDER = "7-101-token"
PRICE = 30_000  # of the seats 1 and 2


def offer(seat_id, price):
    seat = Seat(f"g{seat_id}", 1, seat_id, "1", str(seat_id), 0.0, 0.0, "r")
    return Offer("1루 레드석", "113", seat, Grade("r", "레드석", "#d03030", price))


PRICE_LIST = PriceList(
    "LG : Doosan", "KRW", {seat_id: offer(seat_id, price) for seat_id, price in PRICES.items()}
)


class Shop(DictStore):
    """The seats and reservations of a schedule, read for each batch as a till reads them."""

    def __init__(self):
        super().__init__(set(PRICE_LIST.offers), NOW)
        self.price_list = PRICE_LIST
        self.numbers = itertools.count(101)
        self.told = []  # of the last batch: events, changes and the outcomes
        self.changes = []
        self.outcomes = []

    def at(self, now):
        self.now = now
        return self

    def decide(self, *commands):
        """One batch; the last outcome. A refusal must leave no trace."""
        office = self.read(commands)
        self.outcomes = [self.decide_one(office, each) for each in commands]
        self.write(office)
        self.told, self.changes = office.events, office.seating.changes
        return self.outcomes[-1]

    def decide_one(self, office, command):
        before = picture(office)
        outcome = outcome_of(office, command)
        if isinstance(outcome, errors.JariError):
            assert picture(office) == before
        return outcome

    def hold(self, *seat_ids, buyer=ANN, max_seats=4):
        return Hold(buyer, seat_ids, f"h{next(self.numbers)}", HOLD_MS, max_seats)

    def reserve(self, buyer=ANN):
        return Reserve(buyer, SCHEDULE, next(self.numbers), "token", self.price_list)

    def book(self, *seat_ids, buyer=ANN, max_seats=4):
        reserve = self.reserve(buyer)
        return Book(self.hold(*seat_ids, buyer=buyer, max_seats=max_seats), reserve)

    def seats(self):
        """Seat → status, buyer and end, of those that are not free."""
        return {
            seat_id: (each.status.name, each.buyer_id, each.expires_ms)
            for seat_id, each in sorted(self.allocations.items())
            if not each.is_free(self.now)
        }

    def kinds(self):
        return [each.kind for each in self.told]


def picture(office):
    """All that would be written now."""
    seating = office.seating
    return office.updates(), list(office.events), seating.effects(), list(seating.changes), seating.tenures()


def begin(
    key="k1",
    *,
    payment=901,
    reservation=101,
    order=ORDER,
    amount=PRICE,
    buyer=ANN,
    max_seats=4,
):
    return BeginPayment(
        reservation,
        buyer,
        order,
        amount,
        payment,
        "toss",
        key,
        PATIENCE_MS,
        max_seats,
        MAX_TRIES,
        "KRW",
        GRACE_MS,
    )


def charged(payment=901, *, key="k1", order=ORDER, amount=PRICE, reservation=101):
    return SettlePayment(reservation, payment, Charged(key, order, amount, "카드"))


def not_charged(payment=901, reservation=101):
    return SettlePayment(reservation, payment, NotCharged("REJECT_CARD_PAYMENT", "한도 초과"))


def refund(*seat_ids, number=701, payment=901, buyer=ANN, reservation=101, deadline=DEADLINE):
    return RefundSeats(reservation, payment, number, seat_ids, "a cold", PATIENCE_MS, buyer, deadline)


SILENCE, NOTHING_YET = NoAnswer("NO_ANSWER", "silence"), NothingYet("OPEN", "not yet")
POSTPONE_PAYMENT = PostponePayment(101, 901, PATIENCE_MS, SILENCE)
POSTPONE_REFUND = PostponeRefund(101, 701, PATIENCE_MS, SILENCE)

# --- every state that the sale of the seats 1 and 2 can be in


def pending():
    shop = Shop()
    shop.decide(shop.book(1, 2))
    return shop


def ended():
    return pending().at(END)


def swept():
    shop = ended()
    shop.decide(Expire((1, 2)))
    shop.decide(ExpireReservation(101))
    return shop


def lost():
    shop = ended()
    shop.decide(shop.hold(2, buyer=BEN))
    return shop


def paying():
    shop = pending()
    shop.decide(begin())
    return shop


def paying_late():
    return paying().at(END + 1)


def failed():
    shop = paying()
    shop.decide(not_charged())
    return shop


def failed_late():
    shop = paying_late()
    shop.decide(not_charged())
    return shop


def paid():
    shop = paying()
    shop.decide(charged())
    return shop


def partly_due():
    shop = paid()
    shop.decide(refund(2))
    return shop


def partly_back():
    shop = partly_due()
    shop.decide(SettleRefund(101, 701))
    return shop


def all_due():
    shop = paid()
    shop.decide(refund())
    return shop


def all_back():
    shop = all_due()
    shop.decide(SettleRefund(101, 701))
    return shop


def cancelled():
    shop = pending()
    shop.decide(CancelReservation(101, ANN))
    return shop


def mismatched():
    """Charged another amount than was asked for: it is owed, and the seats are free."""
    shop = paying()
    shop.decide(charged(amount=PRICE - 1))
    return shop


def used():
    shop = paid()
    shop.decide(CheckIn(101, 1))
    return shop


def charged_after_all():
    """The gateway said no, and then that it has charged."""
    shop = failed()
    shop.decide(charged())
    return shop


STATES = {
    each.__name__: each
    for each in (
        pending, ended, swept, lost, paying, paying_late, failed, failed_late, paid, used, partly_due,
        partly_back, all_due, all_back, cancelled, mismatched, charged_after_all,
    )
}  # fmt: skip
COMMANDS = {
    "reserve": Shop.reserve,
    "book": lambda shop: shop.book(1, 2),
    "release": lambda _: Release(ANN, (1,)),
    "cancel": lambda _: CancelReservation(101, ANN),
    "expire": lambda _: ExpireReservation(101),
    "begin": lambda _: begin(),
    "begin-k2": lambda _: begin("k2", payment=902),
    "charged": lambda _: charged(),
    "refused": lambda _: not_charged(),
    "postpone": lambda _: POSTPONE_PAYMENT,
    "refund": lambda _: refund(number=702),
    "refund-1": lambda _: refund(1, number=702),
    "settle": lambda _: SettleRefund(101, 701),
    "later": lambda _: POSTPONE_REFUND,
    "check-in": lambda _: CheckIn(101, 1),
}
ERRORS = {
    "!nothing": errors.NothingHeld,
    "!taken": errors.SeatsTaken,
    "!yours": errors.NotYourSeats,
    "!paying": errors.PaymentUnderWay,
    "!closed": errors.ReservationClosed,
    "!expired": errors.ReservationExpired,
    "!found": errors.NotFound,
    "!refund": errors.NotRefundable,
    "!void": errors.TicketVoid,
    "!used": errors.TicketUsed,
}
# What a command leads to in a state: "=" nothing is written, "!…" a refusal, "P+" a new reservation beside the
# old one in its state; else the old reservation's state and those of its payments.
# P pending, C confirmed, X cancelled, E expired / c confirming, d done, f failed, x canceled, o owed (REFUND_DUE)
TABLE = """
                   reserve  book    release  cancel   expire  begin     begin-k2  charged  refused  postpone  refund   refund-1  settle  later   check-in
pending            =        =       X/       X/       =       P/c       P/c       !found   !found   !found    !found   !found    !found  !found  !void
ended              !nothing E/+     !yours   !closed  E/      P/c       P/c       !found   !found   !found    !found   !found    !found  !found  !void
swept              !nothing E/+     !yours   !closed  =       P/c       P/c       !found   !found   !found    !found   !found    !found  !found  !void
lost               !nothing !taken  !yours   !closed  E/      !expired  !expired  !found   !found   !found    !found   !found    !found  !found  !void
paying             !nothing !taken  !paying  !paying  =       =         !paying   C/d      P/f      P/c       !refund  !refund   !found  !found  !void
paying_late        !nothing !taken  !paying  !paying  =       =         !paying   C/d      E/f      P/c       !refund  !refund   !found  !found  !void
failed             =        =       X/f      X/f      =       =         P/fc      P/o      =        =         !refund  !refund   !found  !found  !void
failed_late        !nothing E/f+    !yours   !closed  =       =         P/fc      E/o      =        =         !refund  !refund   !found  !found  !void
paid               !nothing !taken  !yours   !closed  =       =         !closed   =        =        =         X/o      C/o       !found  !found  C/d
used               !nothing !taken  !yours   !closed  =       =         !closed   =        =        =         !refund  !refund   !found  !found  !used
partly_due         !nothing !taken  !yours   !closed  =       =         !closed   =        =        =         X/o      X/o       C/d     C/o     C/o
partly_back        !nothing !taken  !yours   !closed  =       =         !closed   =        =        =         X/o      X/o       =       =       C/d
all_due            !nothing X/o+    !yours   =        =       =         !closed   =        =        =         !refund  !refund   X/x     X/o     !void
all_back           !nothing X/x+    !yours   =        =       =         !closed   =        =        =         !refund  !refund   =       =       !void
cancelled          !nothing X/+     !yours   =        =       !closed   !closed   !found   !found   !found    !found   !found    !found  !found  !void
mismatched         !nothing X/o+    !yours   =        =       =         !closed   =        =        =         !refund  !refund   !found  !found  !void
charged_after_all  =        =       X/o      X/o      =       =         P/oc      =        =        =         !refund  !refund   !found  !found  !void
"""
CODES = {
    ReservationStatus.PENDING: "P",
    ReservationStatus.CONFIRMED: "C",
    ReservationStatus.CANCELLED: "X",
    ReservationStatus.EXPIRED: "E",
    PaymentStatus.CONFIRMING: "c",
    PaymentStatus.DONE: "d",
    PaymentStatus.FAILED: "f",
    PaymentStatus.CANCELED: "x",
    PaymentStatus.REFUND_DUE: "o",
}


def rows_of(table):
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return [
        (state, command, cell) for state, *cells in rows for command, cell in zip(head, cells, strict=True)
    ]


def in_short(reservation):
    return CODES[reservation.status] + "/" + "".join(CODES[each.status] for each in reservation.payments)


@pytest.mark.parametrize(("state", "command", "expected"), rows_of(TABLE))
def test_every_command_in_every_state(state, command, expected):
    shop = STATES[state]()
    reservations, allocations = dict(shop.reservations), dict(shop.allocations)
    outcome = shop.decide(COMMANDS[command](shop))
    if expected.startswith("!"):
        assert type(outcome) is ERRORS[expected]
    if expected == "=" or expected.startswith("!"):
        assert (shop.reservations, shop.allocations) == (reservations, allocations)
        assert (shop.told, shop.changes) == ([], [])
    else:
        assert not isinstance(outcome, errors.JariError)
        added = "+" * (len(shop.reservations) - len(reservations))
        assert in_short(shop.reservations[101]) + added == expected


@pytest.mark.parametrize(("state", "command"), [(state, command) for state, command, _ in rows_of(TABLE)])
def test_a_fault_after_any_command_in_any_state_leaves_no_trace(state, command):
    shop = STATES[state]()
    faulty = Faulty(COMMANDS[command](shop))
    office = shop.read([faulty])
    before = picture(office)
    with pytest.raises((KeyError, errors.JariError)):
        office.decide(faulty)
    assert picture(office) == before


def test_if_nothing_were_taken_back_a_fault_would_leave_a_trace(monkeypatch):
    """The negative control."""
    monkeypatch.setattr(Draft, "back_to", lambda *_: None)
    shop = paid()
    faulty = Faulty(refund(1))
    office = shop.read([faulty])
    with pytest.raises(KeyError):
        office.decide(faulty)
    assert [each.before.seat_id for each in office.seating.effects()] == [1]
    assert [each.after.owed() for each in office.updates()] == [10_000]


def test_what_was_decided_before_a_fault_stays_and_what_comes_after_it_finds_that():
    shop = Shop()
    first, faulty, last = shop.book(1, 2), Faulty(shop.book(3, buyer=BEN)), shop.book(3)
    office = shop.read([first, faulty, last])
    assert office.decide(first).seat_ids == (1, 2)
    with pytest.raises(KeyError):
        office.decide(faulty)
    assert office.decide(last).seat_ids == (3,)
    assert [change.seat_ids for change in office.seating.changes] == [(1, 2), (3,)]


def test_the_table_names_every_state_and_every_command():
    rows = rows_of(TABLE)
    assert list(dict.fromkeys(state for state, _, _ in rows)) == list(STATES)
    assert list(dict.fromkeys(command for _, command, _ in rows)) == list(COMMANDS)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "command",
    [
        CancelReservation(101, BEN),
        begin(buyer=BEN),
        begin(order="7-101-guessed"),
        begin(reservation=555),
        refund(buyer=BEN),
        refund(77),
        refund(payment=555),
        CancelReservation(555, ANN),
        ExpireReservation(555),
        charged(reservation=555),
        charged(payment=555),
        replace(POSTPONE_PAYMENT, reservation_id=555),
        SettleRefund(555, 701),
        SettleRefund(101, 555),
        replace(POSTPONE_REFUND, refund_id=555),
        CheckIn(555, 1),
        CheckIn(101, 77),
    ],
    ids=repr,
)
def test_what_is_not_there_or_is_somebody_elses_is_not_found(state, command):
    assert type(STATES[state]().decide(command)) is errors.NotFound


# --- making a reservation


def test_a_reservation_freezes_seats_prices_and_the_end_of_the_hold():
    shop = Shop()
    shop.decide(shop.hold(2, 1))
    made = shop.at(NOW + 5).decide(shop.reserve())
    assert (made.status, made.amount, made.currency) == (ReservationStatus.PENDING, 30_000, "KRW")
    assert (made.created_ms, made.expires_ms) == (NOW + 5, END)
    assert [(each.seat_id, each.price, each.place) for each in made.seats] == [
        (1, 10_000, "113 1-1"),
        (2, 20_000, "113 1-2"),
    ]
    assert made.order_id == f"7-{made.id}-token"
    assert made.order_name == "LG : Doosan · 113 1-1 +1"
    assert made.hold_id == shop.allocations[1].hold_id
    assert shop.kinds() == ["reservation.created"]
    assert shop.changes == []  # the seats were held before


def test_the_same_seats_give_the_same_reservation_whatever_they_cost_by_now():
    shop = Shop()
    shop.decide(shop.hold(1, 2))
    first = shop.decide(shop.reserve())
    shop.price_list = replace(PRICE_LIST, offers={each: offer(each, 1) for each in PRICES})
    assert shop.decide(shop.reserve()) == first
    assert shop.decide(shop.book(1, 2)) == first
    assert shop.told == []


def test_more_seats_make_one_hold_that_ends_with_the_earliest_and_the_reservation_before_is_given_up():
    shop = Shop()
    first = shop.decide(shop.book(1))
    shop.at(NOW + 1_000).decide(shop.hold(3))
    both = shop.decide(shop.reserve())
    assert [each.seat_id for each in both.seats] == [1, 3]
    assert both.expires_ms == END
    assert shop.seats() == {1: ("HOLD", ANN, END), 3: ("HOLD", ANN, END)}
    assert {each.hold_id for each in shop.allocations.values()} == {both.hold_id}
    assert shop.reservations[first.id].status is ReservationStatus.CANCELLED
    assert shop.kinds() == ["reservation.cancelled", "reservation.created"]
    assert shop.changes == [Change(Status.HOLD, (3,), ANN, END)]  # of which the replicas believed a later end


def test_the_earliest_end_counts_whichever_hold_has_it():
    shop = Shop()
    shop.at(NOW + 1_000).decide(shop.hold(1))
    shop.at(NOW).decide(shop.hold(2))
    assert shop.decide(shop.reserve()).expires_ms == END
    assert shop.seats() == {1: ("HOLD", ANN, END), 2: ("HOLD", ANN, END)}


def test_fewer_seats_after_a_release_make_another_reservation():
    shop = pending()
    assert shop.decide(Release(ANN, (1,))) == Released((1,))
    assert shop.kinds() == ["reservation.cancelled"]
    assert shop.seats() == {2: ("HOLD", ANN, END)}
    again = shop.decide(shop.reserve())
    assert (again.seat_ids, again.amount) == ((2,), 20_000)


def test_seats_that_were_held_again_after_their_end_make_another_reservation():
    shop = ended()
    shop.decide(shop.hold(1, 2))
    again = shop.decide(shop.reserve())
    assert again.expires_ms == END + HOLD_MS
    assert shop.reservations[101].status is ReservationStatus.EXPIRED
    assert shop.kinds() == ["reservation.expired", "reservation.created"]


def test_holds_that_have_ended_are_no_part_of_a_reservation():
    shop = Shop()
    shop.decide(shop.hold(1))
    shop.at(NOW + 1).decide(shop.hold(2))
    assert shop.at(END).decide(shop.reserve()).seat_ids == (2,)


def test_what_is_being_paid_is_no_part_of_another_reservation():
    shop = paying()
    shop.decide(shop.hold(3))
    other = shop.decide(shop.reserve())
    assert other.seat_ids == (3,)
    assert shop.reservations[101].status is ReservationStatus.PENDING
    assert shop.kinds() == ["reservation.created"]


def test_booking_leaves_alone_what_else_the_buyer_holds():
    shop = Shop()
    shop.decide(shop.hold(3))
    first = shop.decide(shop.book(1))
    second = shop.decide(shop.book(2))
    assert (first.seat_ids, second.seat_ids) == ((1,), (2,))
    assert {each.status for each in shop.reservations.values()} == {ReservationStatus.PENDING}


def test_a_refused_hold_leaves_no_reservation():
    shop = Shop()
    shop.decide(shop.hold(2, buyer=BEN))
    refusal = shop.decide(shop.book(1, 2))
    assert type(refusal) is errors.SeatsTaken
    assert refusal.seat_ids == (2,)
    assert shop.reservations == {}
    assert shop.seats() == {2: ("HOLD", BEN, END)}


@pytest.mark.parametrize(
    ("prepare", "seat_ids", "error"),
    [
        (lambda shop: setattr(shop, "selling", False), (1,), errors.SaleNotOpen),
        (lambda shop: None, (1, 2, 3, 4, 5), errors.TooManySeats),
        (lambda shop: None, (), errors.Invalid),
        (lambda shop: None, (1, 1), errors.Invalid),
        (lambda shop: setattr(shop, "price_list", replace(PRICE_LIST, offers={})), (1,), errors.Unavailable),
    ],
    ids=["closed", "too many", "none", "one twice", "no prices"],
)
def test_a_booking_that_is_refused_holds_nothing(prepare, seat_ids, error):
    shop = Shop()
    prepare(shop)
    assert type(shop.decide(shop.book(*seat_ids))) is error
    assert (shop.allocations, shop.reservations) == ({}, {})


def test_held_seats_without_a_price_stay_held_and_are_not_reserved():
    shop = Shop()
    shop.decide(shop.hold(1, 2))
    shop.price_list = replace(PRICE_LIST, offers={1: offer(1, 5)})
    refusal = shop.decide(shop.reserve())
    assert (type(refusal), refusal.seat_ids, refusal.retry_after_seconds) == (errors.Unavailable, (2,), 1)
    assert shop.seats() == {1: ("HOLD", ANN, END), 2: ("HOLD", ANN, END)}


def test_held_seats_can_be_reserved_after_the_sale_has_closed():
    shop = Shop()
    shop.decide(shop.hold(1))
    shop.selling = False
    assert shop.decide(shop.reserve()).status is ReservationStatus.PENDING


def test_two_reservations_of_one_hold_are_paid_and_given_up_each_for_itself():
    shop = Shop()
    shop.decide(shop.hold(1, 2))
    one, two = shop.decide(shop.book(1)), shop.decide(shop.book(2))
    shop.decide(begin(reservation=one.id, order=one.order_id, amount=10_000))
    shop.decide(Expire((1, 2)), CancelReservation(two.id, ANN))  # a batch that knows of both seats
    assert shop.seats() == {1: ("HOLD", ANN, None)}
    done = shop.decide(charged(reservation=one.id, order=one.order_id, amount=10_000))
    assert done.status is ReservationStatus.CONFIRMED


def test_a_payment_that_fails_frees_no_seat_of_another_reservation_of_the_same_hold():
    shop = Shop()
    shop.decide(shop.hold(1, 2))
    one = shop.decide(shop.book(1))
    shop.decide(begin(reservation=one.id, order=one.order_id, amount=10_000))
    two = shop.decide(shop.reserve())
    shop.decide(begin("k2", payment=902, reservation=two.id, order=two.order_id, amount=20_000))
    shop.at(END + 1).decide(
        not_charged(reservation=one.id),
        charged(902, key="k2", reservation=two.id, order=two.order_id, amount=20_000),
    )
    assert [each.status for each in shop.reservations.values()] == [
        ReservationStatus.EXPIRED,
        ReservationStatus.CONFIRMED,
    ]
    assert shop.seats() == {2: ("OCCUPIED", ANN, None)}


def test_releasing_a_seat_gives_up_its_own_reservation_only():
    shop = Shop()
    shop.decide(shop.hold(1, 2))
    one, two = shop.decide(shop.book(1)), shop.decide(shop.book(2))
    shop.decide(Release(ANN, (2,)))
    assert shop.reservations[one.id].status is ReservationStatus.PENDING
    assert shop.reservations[two.id].status is ReservationStatus.CANCELLED


def test_a_reservation_of_another_schedule_is_not_touched_though_its_seats_have_the_same_numbers():
    shop = pending()
    shop.decide(begin())
    shop.decide(not_charged())
    other = shop.reservations[101] = replace(shop.reservations[101], schedule_id=OTHER_SCHEDULE)
    shop.allocations.clear()
    shop.decide(shop.hold(1, 2))
    made = shop.decide(begin("k1", reservation=555), shop.reserve())  # the batch has to know who has this key
    assert made.schedule_id == SCHEDULE
    assert shop.reservations[101] == other


# --- giving up and ending


def test_a_cancelled_reservation_frees_its_seats_at_once_and_can_be_cancelled_again():
    shop = pending()
    gone = shop.decide(CancelReservation(101, ANN))
    assert gone.status is ReservationStatus.CANCELLED
    assert (shop.kinds(), shop.changes) == (["reservation.cancelled"], [Change(Status.AVAILABLE, (1, 2))])
    assert shop.seats() == {}
    assert shop.decide(CancelReservation(101, ANN)) == gone
    assert shop.told == []


def test_releasing_needs_seats_that_are_held_and_gives_up_nothing_else():
    shop = pending()
    refusal = shop.decide(Release(ANN, (1, 3)))
    assert (type(refusal), refusal.seat_ids) == (errors.NotYourSeats, (3,))
    assert shop.reservations[101].status is ReservationStatus.PENDING


def test_releasing_an_unreserved_seat_leaves_the_reservation():
    shop = pending()
    shop.decide(shop.hold(3))
    assert shop.decide(Release(ANN, (3,))) == Released((3,))
    assert shop.reservations[101].status is ReservationStatus.PENDING
    assert shop.told == []


def test_nobody_gives_up_the_reservation_of_somebody_else_by_releasing():
    shop = pending()
    assert type(shop.decide(Release(BEN, (1,)))) is errors.NotYourSeats


@pytest.mark.parametrize(
    ("now", "status"),
    [(END - 1, ReservationStatus.PENDING), (END, ReservationStatus.EXPIRED)],
    ids=["just before", "to the millisecond"],
)
def test_a_reservation_ends_by_the_clock_swept_or_not(now, status):
    shop = pending().at(now)
    assert shop.reservations[101].status_at(now) is status
    assert shop.reservations[101].status is ReservationStatus.PENDING
    assert shop.decide(ExpireReservation(101)).status is status
    assert shop.kinds() == (["reservation.expired"] if status is ReservationStatus.EXPIRED else [])
    assert len(shop.seats()) == (0 if status is ReservationStatus.EXPIRED else 2)


def test_the_sweep_of_the_seats_and_that_of_the_reservation_come_in_any_order():
    first, second = ended(), ended()
    assert first.decide(Expire((1, 2))) == Expired((1, 2))
    first.decide(ExpireReservation(101))
    second.decide(ExpireReservation(101))
    assert second.changes == [Change(Status.AVAILABLE, (1, 2))]
    assert second.decide(Expire((1, 2))) == Expired(())
    assert (first.allocations, first.reservations) == (second.allocations, second.reservations)


def test_closing_an_ended_reservation_leaves_its_seats_to_who_has_them_now():
    shop = lost()
    shop.decide(ExpireReservation(101))
    assert shop.seats() == {2: ("HOLD", BEN, END + HOLD_MS)}


# --- beginning to pay


def test_a_payment_makes_the_hold_unable_to_end():
    shop = paying()
    payment = shop.reservations[101].paying
    assert (payment.status, payment.amount, payment.charged) == (PaymentStatus.CONFIRMING, PRICE, 0)
    assert (payment.started_ms, payment.next_try_ms, payment.attempt) == (NOW, NOW + PATIENCE_MS, 1)
    assert shop.seats() == {1: ("HOLD", ANN, None), 2: ("HOLD", ANN, None)}
    assert (shop.told, shop.changes) == ([], [])  # nothing has happened that others could see
    shop.at(END + 1).decide(Expire((1, 2)), ExpireReservation(101))
    assert len(shop.seats()) == 2
    assert type(shop.decide(shop.hold(1, buyer=BEN))) is errors.SeatsTaken


def test_the_same_key_is_the_same_payment_whatever_number_comes_with_it():
    shop = paying()
    again = shop.decide(begin("k1", payment=999))
    assert [each.id for each in again.payments] == [901]


def test_the_same_key_with_another_amount_is_refused():
    assert type(paying().decide(begin("k1", amount=PRICE - 1))) is errors.AmountMismatch
    assert type(paid().decide(begin("k1", amount=PRICE + 1))) is errors.AmountMismatch


@pytest.mark.parametrize(
    ("state", "claimed"),
    [(paying, True), (paid, True), (all_back, True), (charged_after_all, True), (failed, False)],
    ids=["being paid", "paid", "given back", "owed", "refused"],
)
def test_a_key_whose_money_moves_or_moved_belongs_to_its_reservation(state, claimed):
    shop = state()
    other = shop.decide(shop.book(3, buyer=BEN))
    outcome = shop.decide(
        begin("k1", payment=902, reservation=other.id, order=other.order_id, amount=30_000, buyer=BEN)
    )
    assert isinstance(outcome, errors.AmountMismatch) is claimed


def test_a_reservation_is_tried_to_be_paid_so_often_and_no_more():
    shop = pending()
    for number in range(3):
        shop.decide(replace(begin(f"k{number}", payment=900 + number), max_tries=3))
        shop.decide(not_charged(900 + number))
    refusal = shop.decide(replace(begin("one more", payment=903), max_tries=3))
    assert type(refusal) is errors.ReservationClosed
    again = shop.decide(
        replace(begin("k2", payment=903), max_tries=3)
    )  # the answer of a try can be asked for
    assert len(again.payments) == 3
    assert shop.seats()[1] == ("HOLD", ANN, END)


@pytest.mark.parametrize("amount", [PRICE - 1, PRICE + 1, 0])
def test_another_amount_than_that_of_the_reservation_begins_nothing(amount):
    shop = pending()
    assert type(shop.decide(begin(amount=amount))) is errors.AmountMismatch
    assert shop.seats()[1] == ("HOLD", ANN, END)


@pytest.mark.parametrize("state", [ended, swept], ids=["by the clock", "swept"])
def test_a_payment_that_comes_late_takes_the_seats_again_if_they_are_free(state):
    shop = state().at(END + 5)
    revived = shop.decide(begin())
    assert revived.status is ReservationStatus.PENDING
    assert shop.seats() == {1: ("HOLD", ANN, None), 2: ("HOLD", ANN, None)}
    assert shop.changes == [Change(Status.HOLD, (1, 2), ANN)]
    assert shop.decide(charged()).status is ReservationStatus.CONFIRMED


def test_a_payment_that_comes_late_is_refused_if_somebody_has_one_of_the_seats():
    shop = lost()
    refusal = shop.decide(begin())
    assert (type(refusal), refusal.seat_ids) == (errors.ReservationExpired, (2,))
    assert shop.seats() == {2: ("HOLD", BEN, END + HOLD_MS)}


def test_a_payment_that_comes_late_is_refused_if_the_buyer_holds_a_seat_anew():
    shop = swept()
    shop.decide(shop.hold(1))
    assert type(shop.decide(begin())) is errors.ReservationExpired


def test_a_payment_that_comes_late_takes_seats_whose_next_hold_has_ended_too():
    shop = lost().at(END + HOLD_MS)
    assert shop.decide(begin()).paying is not None
    assert shop.seats() == {1: ("HOLD", ANN, None), 2: ("HOLD", ANN, None)}


@pytest.mark.parametrize("state", [ended, swept], ids=["by the clock", "swept"])
def test_a_payment_that_comes_late_is_refused_if_the_plan_has_dropped_a_seat(state):
    """Else its ticket and that of whoever buys the place after the next plan would both pass the door."""
    shop = state().at(END + 5)
    shop.plan.discard(1)
    before = shop.seats()
    refusal = shop.decide(begin())
    assert (type(refusal), refusal.seat_ids) == (errors.ReservationExpired, (1,))
    assert "no longer has" in refusal.detail
    assert (shop.seats(), shop.kinds()) == (before, [])


def test_a_payment_that_comes_late_respects_the_limit_of_seats():
    shop = swept()
    shop.decide(shop.hold(3, 4, 5))
    assert type(shop.decide(begin(max_seats=4))) is errors.TooManySeats
    assert shop.decide(begin(max_seats=5)).paying is not None


def test_a_payment_that_comes_late_is_refused_when_the_sale_has_closed():
    shop = swept()
    shop.selling = False
    assert type(shop.decide(begin())) is errors.SaleNotOpen


def test_a_payment_in_time_is_taken_after_the_sale_has_closed():
    shop = pending()
    shop.selling = False
    assert shop.decide(begin()).paying is not None


def test_another_card_can_be_tried_when_the_first_was_refused():
    shop = failed()
    assert shop.decide(begin("k2", payment=902)).paying.id == 902
    done = shop.decide(charged(902, key="k2"))
    assert [(each.status, each.charged) for each in done.payments] == [
        (PaymentStatus.FAILED, 0),
        (PaymentStatus.DONE, PRICE),
    ]


# --- the gateway has spoken


def test_what_was_charged_is_sold():
    shop = paid()
    sold = shop.reservations[101]
    assert sold.status is ReservationStatus.CONFIRMED
    (payment,) = sold.payments
    assert (payment.status, payment.charged, payment.method) == (PaymentStatus.DONE, PRICE, "카드")
    assert shop.seats() == {1: ("OCCUPIED", ANN, None), 2: ("OCCUPIED", ANN, None)}
    assert (shop.kinds(), shop.changes) == (
        ["reservation.confirmed"],
        [Change(Status.OCCUPIED, (1, 2), ANN)],
    )
    (event,) = shop.told
    assert (event.reservation_id, event.order_id, event.buyer_id) == (101, ORDER, ANN)
    assert (event.seat_ids, event.amount, event.currency) == ((1, 2), PRICE, "KRW")


def test_an_answer_that_comes_long_after_the_end_of_the_hold_still_sells():
    shop = paying().at(END + 10 * HOLD_MS)
    assert shop.decide(charged()).status is ReservationStatus.CONFIRMED


@pytest.mark.parametrize("again", [charged(), not_charged(), charged(amount=1)], ids=["yes", "no", "other"])
def test_what_was_settled_stays_as_it_is(again):
    shop = paid()
    before = shop.reservations[101]
    assert shop.decide(again) == before
    assert (shop.told, shop.changes) == ([], [])


@pytest.mark.parametrize(
    "result",
    [
        charged(amount=PRICE - 1),
        charged(amount=PRICE + 1),
        charged(key="other"),
        charged(order="7-102-other"),
    ],
    ids=["less", "more", "another payment", "another order"],
)
def test_money_that_does_not_fit_goes_back_and_the_seats_are_free(result):
    shop = paying()
    owed = shop.decide(result)
    assert owed.status is ReservationStatus.CANCELLED
    (due,) = owed.refunds
    assert (due.amount, due.seat_ids, due.status) == (result.result.amount, (), RefundStatus.DUE)
    assert due.next_try_ms == NOW  # at once
    assert owed.payment(901).status is PaymentStatus.REFUND_DUE
    assert owed.payment(901).charged == owed.owed() == result.result.amount
    assert (shop.seats(), shop.kinds()) == ({}, ["reservation.cancelled", "refund.due"])
    assert shop.told[-1].amount == result.result.amount
    assert shop.changes == [Change(Status.AVAILABLE, (1, 2))]


def test_money_for_seats_that_are_gone_goes_back():
    shop = paying()
    shop.allocations.pop(2)  # behind everybody's back
    owed = shop.decide(charged())
    assert owed.status is ReservationStatus.CANCELLED
    assert owed.owed() == PRICE
    assert shop.seats() == {}
    assert shop.decide(SettleRefund(101, owed.refunds[0].id)).payment(901).status is PaymentStatus.CANCELED
    assert shop.kinds() == ["refund.done"]


def test_money_for_a_seat_that_has_left_the_plan_goes_back_and_says_why():
    """No import drops a firm seat; should it happen all the same, nobody may be sold a place that is not there."""
    shop = paying()
    shop.plan.discard(2)
    owed = shop.decide(charged())
    assert owed.status is ReservationStatus.CANCELLED
    assert [(each.amount, each.reason) for each in owed.refunds] == [
        (PRICE, "the venue no longer had the seats when the payment came")
    ]
    assert shop.seats() == {}
    assert shop.kinds() == ["reservation.cancelled", "refund.due"]


def test_a_refused_payment_lets_the_hold_end_where_it_would_have_ended():
    shop = paying().at(NOW + 1_000)
    back = shop.decide(not_charged())
    assert back.status is ReservationStatus.PENDING
    (payment,) = back.payments
    assert (payment.status, payment.code, payment.message) == (
        PaymentStatus.FAILED,
        "REJECT_CARD_PAYMENT",
        "한도 초과",
    )
    assert shop.seats() == {1: ("HOLD", ANN, END), 2: ("HOLD", ANN, END)}
    assert shop.kinds() == ["payment.failed"]


@pytest.mark.parametrize("now", [END, END + 1])
def test_a_payment_refused_after_the_end_frees_the_seats_at_once(now):
    shop = paying().at(now)
    assert shop.decide(not_charged()).status is ReservationStatus.EXPIRED
    assert shop.seats() == {}
    assert shop.kinds() == ["payment.failed", "reservation.expired"]
    assert shop.changes == [Change(Status.AVAILABLE, (1, 2))]


def test_a_late_payment_that_is_refused_gives_no_more_time():
    shop = swept()
    shop.decide(begin())
    assert shop.decide(not_charged()).status is ReservationStatus.EXPIRED
    assert shop.seats() == {}


@pytest.mark.parametrize("state", [failed, failed_late], ids=["held still", "expired"])
def test_money_that_came_after_a_refusal_goes_back_and_the_reservation_is_not_touched(state):
    shop = state()
    before, seats = shop.reservations[101], shop.seats()
    owed = shop.decide(charged())
    assert (owed.status, owed.seats, shop.seats()) == (before.status, before.seats, seats)
    assert owed.owed() == PRICE
    assert shop.kinds() == ["refund.due"]


def test_money_that_came_after_a_refusal_does_not_undo_what_was_sold_meanwhile():
    shop = failed()
    shop.decide(begin("k2", payment=902))
    shop.decide(charged(902, key="k2"))
    both = shop.decide(charged())
    assert both.status is ReservationStatus.CONFIRMED
    assert [each.status for each in both.payments] == [PaymentStatus.REFUND_DUE, PaymentStatus.DONE]
    assert len(shop.seats()) == 2
    settled = shop.decide(SettleRefund(101, both.refunds[0].id))
    assert [each.status for each in settled.payments] == [PaymentStatus.CANCELED, PaymentStatus.DONE]


@pytest.mark.parametrize("first_is_back", [False, True], ids=["owed still", "given back"])
def test_seats_are_refunded_from_the_payment_that_bought_them_and_from_no_other(first_is_back):
    shop = failed()
    shop.decide(begin("k2", payment=902))
    shop.decide(charged(902, key="k2"))
    both = shop.decide(charged())
    if first_is_back:
        shop.decide(SettleRefund(101, both.refunds[0].id))
    assert type(shop.decide(refund(payment=901))) is errors.NotRefundable
    back = shop.decide(refund(payment=902))
    assert [(each.payment_id, each.amount) for each in back.refunds if each.seat_ids] == [(902, PRICE)]


def test_an_unknown_end_is_asked_for_again_later():
    shop = paying().at(NOW + 1_000)
    waiting = shop.decide(POSTPONE_PAYMENT).paying
    assert (waiting.next_try_ms, waiting.attempt) == (NOW + 1_000 + PATIENCE_MS, 1)
    assert (waiting.code, waiting.message) == ("NO_ANSWER", "silence")
    waiting = shop.decide(replace(POSTPONE_PAYMENT, answer=NOTHING_YET)).paying
    assert waiting.attempt == 2  # the gateway would repeat itself under the old key
    assert (shop.told, shop.changes) == ([], [])


# --- giving money back


def test_a_whole_refund_frees_the_seats_and_owes_the_money():
    shop = paid()
    back = shop.decide(refund())
    assert back.status is ReservationStatus.CANCELLED
    (due,) = back.refunds
    assert (due.amount, due.seat_ids, due.status, due.reason) == (PRICE, (1, 2), RefundStatus.DUE, "a cold")
    assert (due.requested_ms, due.next_try_ms, due.attempt) == (NOW, NOW + PATIENCE_MS, 1)
    assert back.payment(901).status is PaymentStatus.REFUND_DUE
    assert (shop.seats(), back.kept) == ({}, ())
    assert shop.kinds() == ["reservation.cancelled", "refund.due"]
    assert shop.changes == [Change(Status.AVAILABLE, (1, 2))]
    done = shop.decide(SettleRefund(101, 701))
    assert (done.payment(901).status, done.owed()) == (PaymentStatus.CANCELED, 0)
    assert [(each.kind, each.seat_ids, each.amount) for each in shop.told] == [("refund.done", (1, 2), PRICE)]


def test_a_refund_of_one_seat_leaves_the_other():
    shop = paid()
    part = shop.decide(refund(1))
    assert part.status is ReservationStatus.CONFIRMED
    assert part.owed() == 10_000
    assert [(each.seat_id, each.refund_id) for each in part.seats] == [(1, 701), (2, None)]
    assert shop.seats() == {2: ("OCCUPIED", ANN, None)}
    assert [(each.kind, each.seat_ids, each.amount) for each in shop.told] == [("refund.due", (1,), 10_000)]
    assert shop.decide(SettleRefund(101, 701)).payment(901).status is PaymentStatus.DONE
    rest = shop.decide(refund(number=702))
    assert (rest.status, rest.owed()) == (ReservationStatus.CANCELLED, 20_000)
    assert shop.decide(SettleRefund(101, 702)).payment(901).status is PaymentStatus.CANCELED


def test_two_refunds_on_their_way_are_settled_each_for_itself():
    shop = paid()
    shop.decide(refund(1, number=701))
    shop.decide(refund(2, number=702))
    assert shop.decide(SettleRefund(101, 702)).payment(901).status is PaymentStatus.REFUND_DUE
    assert shop.decide(SettleRefund(101, 701)).payment(901).status is PaymentStatus.CANCELED


def test_a_seat_is_refunded_once():
    shop = partly_due()
    refusal = shop.decide(refund(1, 2, number=702))
    assert (type(refusal), refusal.seat_ids) == (errors.NotRefundable, (2,))


def test_a_seat_is_named_once():
    shop = paid()
    assert type(shop.decide(refund(1, 1))) is errors.Invalid


def test_a_refunded_seat_can_be_bought_again_and_its_first_buyer_has_no_say_in_it():
    shop = partly_due()
    again = shop.decide(shop.book(2, buyer=BEN))
    assert again.status is ReservationStatus.PENDING
    shop.decide(refund(number=702))
    assert shop.seats() == {2: ("HOLD", BEN, END)}


@pytest.mark.parametrize(
    ("now", "buyer", "refused"),
    [
        (DEADLINE - 1, ANN, False),
        (DEADLINE, ANN, False),
        (DEADLINE + 1, ANN, True),
        (DEADLINE + 1, None, False),
    ],
    ids=["before", "to the millisecond", "after", "by the organiser"],
)
def test_the_deadline_binds_buyers_only(now, buyer, refused):
    outcome = paid().at(now).decide(refund(buyer=buyer))
    assert isinstance(outcome, errors.NotRefundable) is refused


def test_used_tickets_are_refunded_by_the_organiser_only():
    shop = used()
    refusal = shop.decide(refund())
    assert (type(refusal), refusal.seat_ids) == (errors.NotRefundable, (1,))
    assert shop.decide(refund(2)).status is ReservationStatus.CONFIRMED
    assert shop.decide(refund(1, number=702, buyer=None)).status is ReservationStatus.CANCELLED


def test_a_refund_that_was_not_given_is_asked_for_again_later():
    shop = all_due().at(NOW + 1_000)
    (due,) = shop.decide(POSTPONE_REFUND).refunds
    assert (due.status, due.next_try_ms, due.attempt) == (RefundStatus.DUE, NOW + 1_000 + PATIENCE_MS, 1)
    assert (due.code, due.message) == ("NO_ANSWER", "silence")
    (due,) = shop.decide(replace(POSTPONE_REFUND, answer=NOTHING_YET)).refunds
    assert due.attempt == 2
    assert shop.told == []
    (done,) = shop.decide(SettleRefund(101, 701)).refunds
    assert (done.status, done.code, done.message) == (RefundStatus.DONE, "", "")


# --- at the door


def test_a_ticket_lets_in_once():
    shop = paid()
    inside = shop.decide(CheckIn(101, 2))
    assert [each.checked_in_ms for each in inside.seats] == [None, NOW]
    assert [(each.kind, each.seat_ids) for each in shop.told] == [("ticket.checked_in", (2,))]
    refusal = shop.at(NOW + 61_999).decide(CheckIn(101, 2))
    assert type(refusal) is errors.TicketUsed
    assert "61 s ago" in refusal.detail
    assert shop.decide(CheckIn(101, 1)).seats[0].checked_in_ms == NOW + 61_999


def test_a_refunded_ticket_is_void_and_the_other_is_not():
    shop = partly_due()
    assert type(shop.decide(CheckIn(101, 2))) is errors.TicketVoid
    assert isinstance(shop.decide(CheckIn(101, 1)), Reservation)


# --- what costs nothing


def test_what_costs_nothing_is_confirmed_at_once():
    shop = Shop()
    given = shop.decide(shop.book(8, 9))
    assert (given.status, given.amount) == (ReservationStatus.CONFIRMED, 0)
    (payment,) = given.payments
    assert (payment.status, payment.gateway, payment.amount, payment.charged) == (
        PaymentStatus.DONE,
        "free",
        0,
        0,
    )
    assert shop.seats() == {8: ("OCCUPIED", ANN, None), 9: ("OCCUPIED", ANN, None)}
    assert shop.kinds() == ["reservation.created", "reservation.confirmed"]


def test_each_seat_that_cost_nothing_can_be_given_back():
    shop = Shop()
    given = shop.decide(shop.book(8, 9))
    part = shop.decide(refund(8, reservation=given.id, payment=given.id))
    assert part.status is ReservationStatus.CONFIRMED
    assert part.refunds[0].status is RefundStatus.DONE  # there is nothing to wait for
    rest = shop.decide(refund(9, number=702, reservation=given.id, payment=given.id))
    assert isinstance(rest, Reservation)
    assert rest.status is ReservationStatus.CANCELLED
    assert shop.seats() == {}


def test_a_seat_that_cost_nothing_can_be_given_back_after_those_that_cost_money():
    shop = Shop()
    made = shop.decide(shop.book(1, 8))
    shop.decide(begin(reservation=made.id, order=made.order_id, amount=10_000))
    shop.decide(charged(reservation=made.id, order=made.order_id, amount=10_000))
    shop.decide(refund(1, reservation=made.id))
    shop.decide(SettleRefund(made.id, 701))
    rest = shop.decide(refund(8, number=702, reservation=made.id))
    assert isinstance(rest, Reservation)
    assert rest.status is ReservationStatus.CANCELLED


# --- batches


def test_a_batch_of_two_who_book_the_same_seat_sells_it_once():
    shop = Shop()
    shop.decide(shop.book(1, 2), shop.book(2, 3, buyer=BEN), shop.book(3, buyer=BEN))
    assert [type(each) for each in shop.outcomes] == [Reservation, errors.SeatsTaken, Reservation]
    assert shop.kinds() == ["reservation.created", "reservation.created"]


def test_a_command_that_comes_twice_in_a_batch_finds_what_the_first_has_left():
    shop = pending()
    one, two = shop.decide(begin(), begin(payment=902)), shop.outcomes[0]
    assert one == two
    shop.decide(charged(), charged())
    assert shop.kinds() == ["reservation.confirmed"]
    shop.decide(refund(1), refund(1, number=702))
    assert [type(each) for each in shop.outcomes] == [Reservation, errors.NotRefundable]


def test_only_what_has_changed_is_written():
    shop = paid()
    office = shop.read([CheckIn(101, 1), CancelReservation(101, ANN)])
    assert office.updates() == []
    office.decide(CheckIn(101, 1))
    (update,) = office.updates()
    assert (update.before, update.after.seats[0].checked_in_ms) == (shop.reservations[101], NOW)
    assert office.seating.effects() == []


def test_holding_is_decided_by_the_seating_alone():
    shop = Shop()
    assert shop.decide(shop.hold(1)) == Held("h101", (1,), END)
    assert (shop.reservations, shop.told) == ({}, [])


def test_a_reservation_may_be_paid_until_the_grace_is_over_though_its_seats_stay_free():
    for late_ms, paid in ((GRACE_MS, True), (GRACE_MS + 1, False)):
        shop = pending()
        shop.now = END
        shop.decide(ExpireReservation(101))
        shop.now = END + late_ms
        outcome = shop.decide(begin())
        assert isinstance(outcome, errors.ReservationExpired) is not paid


def test_a_gateway_that_charges_in_another_currency_charges_nothing():
    shop = pending()
    assert isinstance(shop.decide(replace(begin(), currency="USD")), errors.AmountMismatch)
    assert (shop.changes, shop.told) == ([], [])
