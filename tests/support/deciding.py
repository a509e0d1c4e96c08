"""Decides as a till does, without a loop or a database: seats and sales are in dicts."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from jari.domain.box_office import BoxOffice, Command, Outcome
from jari.domain.errors import JariError
from jari.domain.needs import Needs, Reading
from jari.domain.reservations import Reservation, ReservationStatus
from jari.domain.schedules import Sale
from jari.domain.seating import Allocation, Seating
from jari.domain.tenures import Tenure


class DictStore:
    """The rows from which a box office is made, and into which its decisions go."""

    def __init__(self, plan: Container[int], now_ms: int) -> None:
        self.plan = plan
        self.now = now_ms
        self.selling = True
        self.allocations: dict[int, Allocation] = {}
        self.tenures: dict[tuple[int, int], Tenure] = {}
        self.reservations: dict[int, Reservation] = {}

    def read(self, commands: Iterable[Command[Any]]) -> BoxOffice:
        """A box office with what the commands need, and nothing else."""
        reading = Reading((each.needs for each in commands), self.plan)
        reservations = [
            each
            for each in self.reservations.values()
            if each.id in reading.reservation_ids
            or not reading.payment_keys.isdisjoint(payment.payment_key for payment in each.payments)
            or (each.buyer_id in reading.open_of_buyers and each.status is ReservationStatus.PENDING)
        ]
        reading.add_seats_of(reservations)
        allocations = [
            each
            for each in self.allocations.values()
            if each.seat_id in reading.seat_ids or each.buyer_id in reading.buyer_ids
        ]
        tenures = [tenure for key, tenure in self.tenures.items() if key in reading.tenures]
        sale = Sale(enabled=self.selling, opens_ms=0)
        return BoxOffice(Seating(allocations, sale, self.now, self.plan, tenures), reservations)

    def write(self, office: BoxOffice) -> None:
        """Write what was decided. Check that each row is as it was read, is written once, and really changes."""
        written = set()
        for effect in office.seating.effects():
            (seat_id,) = {each.seat_id for each in (effect.before, effect.after) if each is not None}
            assert seat_id not in written
            assert effect.before == self.allocations.get(seat_id)
            assert effect.before != effect.after
            written.add(seat_id)
            if effect.after is None:
                del self.allocations[seat_id]
            else:
                self.allocations[seat_id] = effect.after
        for update in office.updates():
            assert update.before == self.reservations.get(update.after.id)
            assert update.before != update.after
            self.reservations[update.after.id] = update.after
        self.tenures |= {(each.buyer_id, each.seat_id): each for each in office.seating.tenures()}


def outcome_of(office: BoxOffice, command: Command[Outcome]) -> Outcome | JariError:
    """The command's outcome, or its refusal."""
    try:
        return office.decide(command)
    except JariError as refusal:
        return refusal


@dataclass(frozen=True, slots=True)
class Faulty(Command[None]):
    """Wraps a command, and raises a fault of ours after the whole command is done."""

    command: Command[Any]

    @property
    def needs(self) -> Needs:
        """What the command needs."""
        return self.command.needs

    def decide(self, office: BoxOffice) -> None:
        """Decide the wrapped command, then fail as a bug would."""
        self.command.decide(office)
        raise KeyError("forgotten")
