"""Counting in memory what must never be in the books of sales; see `jari.ports.ReservationStore.seat_faults`."""

from collections import Counter

from jari.adapters.memory.tables import Memory
from jari.domain.reservations import ReservationStatus
from jari.domain.seating import Status


def count_faults(memory: Memory, from_ms: int) -> dict[str, int]:
    """How many of each kind there are; schedules that began before are left out."""
    schedules = {each.id: each for each in memory.schedules.values() if each.starts_ms >= from_ms}
    tickets = [
        (schedules[reservation.schedule_id], reservation.buyer_id, seat)
        for reservation in memory.sales.by_id.values()
        if reservation.schedule_id in schedules and reservation.status is ReservationStatus.CONFIRMED
        for seat in reservation.kept
    ]
    places = Counter(
        (schedule.id, seat.block, seat.row_label, seat.seat_label) for schedule, _, seat in tickets
    )
    owned = {
        (schedule.id, each.seat_id, each.buyer_id)
        for schedule in schedules.values()
        for each in schedule.allocations.values()
        if each.status is Status.OCCUPIED
    }
    return {
        "allocation_without_seat": sum(
            len(each.allocations.keys() - each.venue.seat_ids) for each in schedules.values()
        ),
        "place_sold_twice": sum(count > 1 for count in places.values()),
        "ticket_without_seat": sum(
            (schedule.id, seat.seat_id, buyer_id) not in owned for schedule, buyer_id, seat in tickets
        ),
    }
