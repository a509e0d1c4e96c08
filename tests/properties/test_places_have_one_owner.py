"""Whatever plans are imported while seats are held, paid, refunded and let in: a printed place has one owner.

Two processes' worth of use cases work on one real SQLite file, and each knows of a new plan only when it looks.
Plans put a handful of guids on a handful of places, or leave them out, in every way that there is.
"""

import asyncio
import itertools
import random
from collections import Counter

import pytest
from sqlalchemy import text, update

from jari.adapters.sql.tables import allocations, reservations
from jari.adapters.system import CHANCE, CLOCK
from jari.domain.commands.payments import BeginPayment, SettlePayment
from jari.domain.commands.refunds import RefundSeats
from jari.domain.errors import JariError
from jari.domain.payments import Charged, NotCharged
from jari.domain.replanning import Replan
from jari.domain.reservations import ReservationStatus
from jari.domain.schedules import Kind
from jari.domain.seating import Seating
from jari.domain.users import Role, User
from jari.domain.venues import Block, Grade, Seat, Section, Venue
from jari.main import open_stores
from jari.settings import Settings
from jari.usecases.catalogue import Catalogue
from jari.usecases.holds import Holds
from jari.usecases.live import Live
from jari.usecases.numbers import Numbers
from jari.usecases.organising import Organising
from jari.usecases.reservations import Reservations
from jari.usecases.sweeping import Sweeper
from jari.usecases.till import Tills

BUYERS = [User(number, f"buyer-{number}@example.com", "Buyer", Role.BUYER) for number in (1, 2)]
DOOR = User(9, "door@example.com", "Door", Role.ORGANISER)
GUIDS, PLACES = "abcd", range(1, 6)
FOR_EVER_MS = 10**12
LIMITS = Settings(poll_ms=1, max_seats_per_buyer=4)
_venues = itertools.count(1)

MOVES = 40


def history_of(seed):
    """A day at the box office, drawn from a seed: mostly sales that go wrong somewhere, and plans in between."""
    mood = random.Random(seed)

    def plan():
        seated = list(zip(GUIDS, mood.sample(PLACES, len(GUIDS)), strict=True))
        usual = list(zip(GUIDS, PLACES, strict=False))
        return mood.sample(usual if mood.random() < 0.6 else seated, mood.randint(1, len(GUIDS)))

    def process():
        return mood.randint(0, 1)

    kinds = [
        (2, lambda: ("a_plan_comes", plan())),
        (2, lambda: ("the_plan_of_before_comes_back",)),
        (
            4,
            lambda: (
                "somebody_books",
                process(),
                mood.choice(BUYERS),
                mood.sample(PLACES, mood.randint(1, 2)),
            ),
        ),
        (3, lambda: ("time_runs_out", mood.randint(0, 3))),
        (1, lambda: ("seats_are_swept", process())),
        (4, lambda: ("a_payment_begins", process(), mood.randint(0, 3))),
        (4, lambda: ("a_payment_ends", process(), mood.randint(0, 3), mood.random() < 0.8)),
        (2, lambda: ("a_seat_is_refunded", process(), mood.randint(0, 3))),
        (1, lambda: ("somebody_comes_in", process(), mood.randint(0, 3))),
        (2, lambda: ("a_process_looks", process())),
    ]
    weights = [weight for weight, _ in kinds]
    return [make() for _, make in mood.choices(kinds, weights, k=MOVES)]


def plan_of(name, seated):
    """A venue of one block: guid on place."""
    seats = tuple(
        Seat(guid, 1, place, "1", str(place), 10.0 * place, 10.0, "red") for guid, place in sorted(seated)
    )
    block = Block("101", seats)
    return Venue(
        name, "KRW", 100.0, 100.0, (Grade("red", "R", "#d03030", 1_000),), (Section("1", "red", (block,)),)
    )


class Process:
    """What one server process runs of the sale."""

    def __init__(self, stores):
        self.live = Live(stores.seating, stores.catalogue, CLOCK, LIMITS)
        self.tills = Tills(self.live, stores.seating, stores.claims, LIMITS)
        holds = Holds(self.live, self.tills, stores.seating, CLOCK, CHANCE, LIMITS)
        sold = stores.reservations
        catalogue = Catalogue(stores.catalogue, CLOCK, LIMITS)
        self.numbers = Numbers(sold, LIMITS)
        self.reservations = Reservations(sold, self.tills, holds, catalogue, self.numbers, CHANCE)
        self.sweeper = Sweeper(
            self.live, self.tills, stores.seating, sold, stores.accounts, stores.relays, LIMITS
        )


class Scene:
    """One venue, one sale, two processes."""

    def __init__(self, stores, met):
        self.stores, self.met = stores, met
        self.processes = [Process(stores), Process(stores)]
        self.organising = Organising(stores.catalogue, stores.news)
        self.name = f"Hall {next(_venues)}"
        self.now = self.before = list(zip(GUIDS, PLACES, strict=False))
        self.keys = itertools.count(1)

    async def open(self):
        self.venue_id, _ = await self.organising.import_venue(plan_of(self.name, self.now))
        self.id = await self.organising.create_schedule(
            venue_id=self.venue_id, kind=Kind.MATCH, title="LG : KT", starts_ms=FOR_EVER_MS * 9, opens_ms=0
        )
        return self

    async def play(self, history):
        for name, *arguments in history:
            try:
                await getattr(self, name)(*arguments)
            except JariError as refusal:
                self.met[name, refusal.code] += 1
            else:
                self.met[name] += 1
            await self.check()
        for process in self.processes:
            await process.live.poll()
        await self.check_replicas()

    async def close(self):
        for process in self.processes:
            await process.tills.close()

    # moves

    async def a_plan_comes(self, seated):
        await self.organising.import_venue(plan_of(self.name, seated))
        self.before, self.now = self.now, seated

    async def the_plan_of_before_comes_back(self):
        await self.a_plan_comes(self.before)

    async def somebody_books(self, process, buyer, places):
        wanted = [(1, place) for place in sorted(places)]
        await self.processes[process].reservations.book(buyer, self.id, wanted)

    async def time_runs_out(self, number):
        """A hold and its reservation have ended: as if the clock had been put forward."""
        chosen = await self.choose(number, ReservationStatus.PENDING)
        if chosen.paying is None:
            async with self.stores.database.write() as connection:
                for table, mine in (
                    (allocations, allocations.c.hold_id == chosen.hold_id),
                    (reservations, reservations.c.id == chosen.id),
                ):
                    await connection.execute(update(table).where(mine).values(expires_ms=1))

    async def seats_are_swept(self, process):
        await self.processes[process].sweeper.sweep()
        await self.processes[process].sweeper.close_ended_reservations()

    async def a_payment_begins(self, process, number):
        chosen = await self.choose(number, ReservationStatus.PENDING, ReservationStatus.EXPIRED)
        begin = BeginPayment(
            reservation_id=chosen.id,
            buyer_id=chosen.buyer_id,
            order_id=chosen.order_id,
            amount=chosen.amount,
            payment_id=await self.processes[process].numbers.next(),
            gateway="toss",
            payment_key=f"{self.id}-{next(self.keys)}",
            patience_ms=FOR_EVER_MS,
            max_seats=4,
            max_tries=99,
            currency="KRW",
            grace_ms=FOR_EVER_MS * 2,
        )
        await self.processes[process].tills.submit(self.id, begin)

    async def a_payment_ends(self, process, number, is_charged):
        chosen = await self.choose(number, ReservationStatus.PENDING)
        if (payment := chosen.paying) is not None:
            charged = Charged(payment.payment_key, chosen.order_id, payment.amount, "card")
            result = charged if is_charged else NotCharged("REJECT_CARD", "no")
            settle = SettlePayment(chosen.id, payment.id, result)
            settled = await self.processes[process].tills.submit(self.id, settle)
            self.met["money went back"] += bool(settled.refunds)

    async def a_seat_is_refunded(self, process, number):
        chosen = await self.choose(number, ReservationStatus.CONFIRMED)
        refund = RefundSeats(
            reservation_id=chosen.id,
            payment_id=chosen.payments[-1].id,
            refund_id=await self.processes[process].numbers.next(),
            seat_ids=(chosen.kept[0].seat_id,),
            reason="",
            patience_ms=FOR_EVER_MS,
            buyer_id=None,
            deadline_ms=0,
        )
        await self.processes[process].tills.submit(self.id, refund)

    async def somebody_comes_in(self, process, number):
        chosen = await self.choose(number, ReservationStatus.CONFIRMED)
        seat = chosen.kept[0]
        await self.processes[process].reservations.check_in(DOOR, self.id, chosen.id, seat.seat_id)

    async def a_process_looks(self, process):
        await self.processes[process].live.poll()

    async def choose(self, number, *statuses):
        """One of the reservations in one of these states; a refusal where there is none."""
        found = [each for each in await self.sold() if each.status in statuses]
        if not found:
            raise JariError("there is none")
        return found[number % len(found)]

    async def sold(self):
        return list(await self.stores.reservations.of_schedule(self.id, None, 1_000))

    # what must hold

    async def check(self):
        faults = await self.stores.reservations.seat_faults(0)
        assert not any(faults.values()), faults
        layout = await self.stores.catalogue.layout(self.id)
        for each in await self.sold():
            if each.status is ReservationStatus.CONFIRMED:
                for seat in each.kept:
                    assert layout.seat_at.get((seat.row, seat.col)) == seat.seat_id, "a ticket's place moved"

    async def check_replicas(self):
        loaded = await self.stores.seating.load(self.id, 0)
        stored = {each.seat_id: (each.status, each.buyer_id) for each in loaded.allocations}
        for process in self.processes:
            seat_map = (await process.live.open(self.id)).seat_map
            shown = {
                seat_id: (seat_map.status[index], seat_map.buyer_ids[index])
                for seat_id, index in seat_map.layout.index_of.items()
                if seat_map.status[index]
            }
            assert shown == stored


class House:
    """A database for many scenes."""

    def __init__(self, url):
        self.runner = asyncio.Runner()
        self.stores = self.runner.run(self._open(url))
        self.met = Counter()

    async def _open(self, url):
        return await open_stores(Settings(database=url))

    def play(self, history):
        self.runner.run(self._play(history))

    async def _play(self, history):
        scene = await Scene(self.stores, self.met).open()
        try:
            await scene.play(history)
        finally:
            await scene.close()

    def take_off(self, *triggers):
        self.runner.run(self._take_off(triggers))

    async def _take_off(self, triggers):
        async with self.stores.database.write() as connection:
            for trigger in triggers:
                await connection.execute(text(f"DROP TRIGGER {trigger}"))

    def close(self):
        self.runner.run(self.stores.close())
        self.runner.close()


@pytest.fixture
def house(sqlite_url):
    house = House(sqlite_url)
    yield house
    house.close()


def search(house, histories):
    for seed in range(histories):
        house.play(history_of(seed))


A, B = BUYERS
# What once sold a place twice, move by move.
PAID_LATE = [
    ("somebody_books", 0, A, {1, 2}),
    ("time_runs_out", 0),
    ("seats_are_swept", 0),
    ("a_plan_comes", [("b", 2), ("c", 3), ("d", 4)]),
    ("a_payment_begins", 0, 0),
    ("a_payment_ends", 0, 0, True),
    ("a_plan_comes", list(zip(GUIDS, PLACES, strict=False))),
    ("a_process_looks", 1),
    ("somebody_books", 1, B, {1}),
    ("a_payment_begins", 1, 0),
    ("a_payment_ends", 1, 0, True),
]


def test_a_printed_place_has_one_owner_whatever_plans_come(house):
    search(house, 60)
    wanted = {
        "a_plan_comes",
        ("a_plan_comes", "PLAN_DROPS_SEATS"),
        "the_plan_of_before_comes_back",
        "somebody_books",
        ("somebody_books", "UNKNOWN_SEATS"),
        ("a_payment_begins", "RESERVATION_EXPIRED"),
        "a_seat_is_refunded",
        "somebody_comes_in",
    }
    assert wanted <= house.met.keys(), house.met


def test_a_late_payment_for_a_dropped_seat_sells_nothing(house):
    house.play(PAID_LATE)
    assert house.met["a_payment_begins", "RESERVATION_EXPIRED"] == 1


class Everything:
    """A plan that has every seat: the guard of the domain taken off."""

    def __contains__(self, _):
        return True


@pytest.fixture
def no_domain(monkeypatch):
    begin = Seating.__init__

    def blind(self, allocations, sale, now_ms, plan, earlier=()):
        begin(self, allocations, sale, now_ms, Everything(), earlier)

    monkeypatch.setattr(Seating, "__init__", blind)


@pytest.fixture
def no_look_at_owners(monkeypatch):
    monkeypatch.setattr(Replan, "require_unowned", lambda *_: None)


@pytest.mark.usefixtures("no_domain")
def test_without_the_domains_guard_the_database_refuses(house):
    house.play(PAID_LATE)
    assert house.met["a_payment_begins", "UNAVAILABLE"] == 1


@pytest.mark.usefixtures("no_domain")
def test_without_the_domains_and_the_databases_guard_a_place_is_sold_without_a_seat(house):
    house.take_off("require_seats")
    with pytest.raises(AssertionError, match="allocation_without_seat"):
        house.play(PAID_LATE)


@pytest.mark.usefixtures("no_domain")
def test_random_histories_find_a_missing_guard(house):
    house.take_off("require_seats")
    with pytest.raises(AssertionError):
        search(house, 200)


@pytest.mark.usefixtures("no_look_at_owners")
def test_random_histories_find_an_import_that_drops_what_is_sold(house):
    house.take_off("require_unallocated")
    with pytest.raises(AssertionError):
        search(house, 200)
