"""Making reservations of held seats, looking at them, and giving them up."""

from collections.abc import Sequence

from jari.domain.commands.reservations import Book, CancelReservation, Reserve
from jari.domain.commands.tickets import CheckIn
from jari.domain.errors import UnknownSeats
from jari.domain.permissions import Action, may, require
from jari.domain.reservations import Reservation, no_reservation
from jari.domain.users import User
from jari.ports.answers import RequestKey
from jari.ports.reservations import ReservationStore
from jari.ports.system import Chance
from jari.usecases.catalogue import Catalogue
from jari.usecases.holds import Holds
from jari.usecases.numbers import Numbers
from jari.usecases.till import Tills
from jari.usecases.tokens import new_token

TOKEN_BYTES = 12  # 96 bits of an order's name that nobody can guess


class Reservations:
    """What a buyer does between holding seats and paying for them."""

    def __init__(
        self,
        store: ReservationStore,
        tills: Tills,
        holds: Holds,
        catalogue: Catalogue,
        numbers: Numbers,
        chance: Chance,
    ) -> None:
        self._store = store
        self._tills = tills
        self._holds = holds
        self._catalogue = catalogue
        self._numbers = numbers
        self._chance = chance

    async def reserve(self, buyer: User, schedule_id: int, request: RequestKey | None = None) -> Reservation:
        """A PENDING reservation of all that the buyer holds. The same seats, reserved again, give the same reservation.

        Raises:
            NothingHeld, NotFound, KeyReused, StillRunning, Unavailable, Forbidden.
        """
        require(buyer, Action.RESERVE, buyer.id)
        command = await self._reserve(buyer, schedule_id)
        return await self._tills.submit(schedule_id, command, request)

    async def book(
        self,
        buyer: User,
        schedule_id: int,
        places: Sequence[tuple[int, int]],
        request: RequestKey | None = None,
    ) -> Reservation:
        """Hold the seats at these places, given as (row, col), and reserve them: both or neither.

        Raises:
            SeatsTaken, TooManySeats, UnknownSeats, SaleNotOpen, NotFound, KeyReused, StillRunning, Unavailable,
            Forbidden.
        """
        require(buyer, Action.RESERVE, buyer.id)
        try:
            seat_ids = await self._holds.seats_at(schedule_id, places)
        except UnknownSeats:
            if (answer := await self._holds.first_answer(request, Book)) is not None:
                return answer
            raise

        async def command() -> Book:
            return Book(self._holds.hold_of(buyer, seat_ids), await self._reserve(buyer, schedule_id))

        return await self._holds.take(buyer, schedule_id, seat_ids, Book, command, request)

    async def cancel(self, buyer: User, reservation_id: int) -> Reservation:
        """Give up an unpaid reservation; its seats are free at once.

        Raises:
            NotFound, ReservationClosed, PaymentUnderWay, Unavailable.
        """
        reservation = await self._store.reservation(reservation_id)
        if reservation is None or not may(buyer, Action.CANCEL_RESERVATION, reservation.buyer_id):
            raise no_reservation(reservation_id)
        command = CancelReservation(reservation_id, buyer.id)
        return await self._tills.submit(reservation.schedule_id, command)

    async def one(self, user: User, reservation_id: int) -> Reservation:
        """One reservation; a buyer sees only their own.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        reservation = await self._store.reservation(reservation_id)
        if reservation is None or not may(user, Action.SEE_RESERVATION, reservation.buyer_id):
            raise no_reservation(reservation_id)
        return reservation

    async def mine(self, buyer: User, before_id: int | None, limit: int) -> Sequence[Reservation]:
        """The buyer's reservations, newest first.

        Raises:
            Forbidden.
        """
        require(buyer, Action.SEE_RESERVATION, buyer.id)
        return await self._store.of_buyer(buyer.id, before_id, limit)

    async def of_schedule(
        self, user: User, schedule_id: int, before_id: int | None, limit: int
    ) -> Sequence[Reservation]:
        """A schedule's reservations, newest first, for its organiser.

        Raises:
            Forbidden: a buyer asks.
            NotFound: there is no such schedule.
        """
        require(user, Action.LIST_RESERVATIONS)
        await self._catalogue.schedule(schedule_id)
        return await self._store.of_schedule(schedule_id, before_id, limit)

    async def check_in(self, user: User, schedule_id: int, reservation_id: int, seat_id: int) -> Reservation:
        """Let the holder of a ticket in, once.

        Raises:
            Forbidden: a buyer asks.
            TicketUsed, TicketVoid, NotFound, Unavailable.
        """
        require(user, Action.CHECK_IN)
        return await self._tills.submit(schedule_id, CheckIn(reservation_id, seat_id))

    async def _reserve(self, buyer: User, schedule_id: int) -> Reserve:
        return Reserve(
            buyer_id=buyer.id,
            schedule_id=schedule_id,
            reservation_id=await self._numbers.next(),
            token=new_token(self._chance, TOKEN_BYTES),
            price_list=await self._catalogue.price_list(
                schedule_id, await self._holds.plan_revision(schedule_id)
            ),
        )
