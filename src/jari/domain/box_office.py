"""The box office: seats, reservations and money of one schedule, decided together.

`Seating` knows who has which seat, `Reservation` what may become of a sale; a command moves both or neither.
Every command is decided within one transaction, on fresh state. So a command that comes twice, or late, or from a
process that was thought dead sees what the first has done. The commands stand in `jari.domain.commands`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

from jari.domain.drafts import Draft
from jari.domain.events import Event, EventKind
from jari.domain.needs import Needs
from jari.domain.payments import PaymentStatus
from jari.domain.reservations import Reservation, ReservationStatus, no_reservation
from jari.domain.seating import Seating

Outcome = TypeVar("Outcome")


class Command(ABC, Generic[Outcome]):
    """Something that a till is asked. A ``Command[Held]`` leads to the outcome `Held`.

    Each command is one frozen dataclass that says what must be read for it and how it is decided.
    """

    __slots__ = ()
    _outcome: ClassVar[type[Any]]

    def __init_subclass__(cls) -> None:
        """Keep the ``Held`` of ``Command[Held]``, or that of the class above: a stored answer is read as that."""
        for base in vars(cls).get("__orig_bases__", ()):
            if get_origin(base) is Command:
                (cls._outcome,) = get_args(base)
                return
        if not hasattr(cls, "_outcome"):
            raise TypeError(f"{cls.__name__} does not say what it leads to, as in Command[Held]")

    @classmethod
    def outcome(cls) -> type[Outcome]:
        """The type of what it leads to."""
        return cls._outcome

    @property
    @abstractmethod
    def needs(self) -> Needs:
        """What must be read before it can be decided."""

    @abstractmethod
    def decide(self, office: "BoxOffice") -> Outcome:
        """Carry it out. Only `BoxOffice.decide` may call this: it takes back what the command did before an error."""


@dataclass(frozen=True, slots=True)
class OfReservation(Command[Reservation]):
    """A command about one reservation, and about nothing else."""

    reservation_id: int

    @property
    def needs(self) -> Needs:
        """The reservation."""
        return Needs(reservation_ids=(self.reservation_id,))


@dataclass(frozen=True, slots=True)
class Update:
    """What the store must write for one reservation: ``before`` as it was read (None: new), and after."""

    before: Reservation | None
    after: Reservation


class BoxOffice:
    """Decides commands one after the other on a seating and the reservations that they are about."""

    def __init__(self, seating: Seating, reservations: Iterable[Reservation]) -> None:
        self.seating = seating
        self.events: list[Event] = []
        self._reservations = Draft({each.id: each for each in reservations})

    def decide(self, command: Command[Outcome]) -> Outcome:
        """Carry out one command wholly, or not at all.

        Raises:
            JariError: the refusal. Whatever else is raised is a fault of ours, and has left no trace either.
        """
        seating, reservations, events = self.seating.mark(), self._reservations.mark(), len(self.events)
        try:
            return command.decide(self)
        except BaseException:
            self.seating.back_to(seating)
            self._reservations.back_to(reservations)
            del self.events[events:]
            raise

    def updates(self) -> list[Update]:
        """What the store must write, one for each reservation that is no longer as it was read."""
        return [Update(before, after) for before, after in self._reservations.changed() if after is not None]

    # For the commands

    @property
    def now_ms(self) -> int:
        """The store's time."""
        return self.seating.now_ms

    def known(self, reservation_id: int) -> Reservation:
        """A reservation as it is now.

        Raises:
            NotFound: there is none.
        """
        reservation = self._reservations.now.get(reservation_id)
        if reservation is None:
            raise no_reservation(reservation_id)
        return reservation

    def own(self, reservation_id: int, buyer_id: int) -> Reservation:
        """A buyer's own reservation.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        reservation = self.known(reservation_id)
        if reservation.buyer_id != buyer_id:
            raise no_reservation(reservation_id)
        return reservation

    def open_of(self, buyer_id: int) -> list[Reservation]:
        """The buyer's reservations that are PENDING."""
        return [
            each
            for each in self._reservations.now.values()
            if each.buyer_id == buyer_id and each.status is ReservationStatus.PENDING
        ]

    def was_used(self, payment_key: str) -> bool:
        """Whether a payment with this key moves or moved money; one that failed claims nothing."""
        return any(
            each.payment_key == payment_key and each.status is not PaymentStatus.FAILED
            for reservation in self._reservations.now.values()
            for each in reservation.payments
        )

    def move(
        self,
        reservation: Reservation,
        kind: EventKind | None = None,
        seat_ids: tuple[int, ...] | None = None,
        amount: int | None = None,
    ) -> Reservation:
        """Put a new or a moved reservation in its place; with a ``kind``, tell those outside of the event."""
        self._reservations.put(reservation.id, reservation)
        if kind is not None:
            self.events.append(
                Event(
                    kind,
                    reservation.id,
                    reservation.order_id,
                    reservation.buyer_id,
                    reservation.seat_ids if seat_ids is None else seat_ids,
                    reservation.amount if amount is None else amount,
                    reservation.currency,
                )
            )
        return reservation
