"""Sells seats as the service does: reserve them, begin a payment, settle it as charged."""

from jari.domain.commands.payments import BeginPayment, SettlePayment
from jari.domain.commands.reservations import Reserve
from jari.domain.payments import Charged
from jari.domain.reservations import Offer, PriceList, order_id
from jari.domain.venues import Grade, Seat

PRICE = 30_000
FOR_EVER_MS = 1_000_000_000
GRADE = Grade("r", "레드석", "#d03030", PRICE)


def purchase_of(
    buyer_id: int, seat_ids: tuple[int, ...], number: int, schedule_id: int
) -> tuple[Reserve, BeginPayment, SettlePayment]:
    """The commands that sell a buyer these seats. They must be all that the buyer holds."""
    offers = {
        seat_id: Offer(
            "1루", "113", Seat(f"g{seat_id}", 1, seat_id, "1", str(seat_id), 0.0, 0.0, GRADE.code), GRADE
        )
        for seat_id in seat_ids
    }
    order, key, amount = order_id(schedule_id, number, "token"), f"key-{number}", PRICE * len(seat_ids)
    return (
        Reserve(buyer_id, schedule_id, number, "token", PriceList("LG : Doosan", "KRW", offers)),
        BeginPayment(
            reservation_id=number,
            buyer_id=buyer_id,
            order_id=order,
            amount=amount,
            payment_id=number,
            gateway="toss",
            payment_key=key,
            patience_ms=FOR_EVER_MS,
            max_seats=99,
            max_tries=1,
            currency="KRW",
            grace_ms=0,
        ),
        SettlePayment(number, number, Charged(key, order, amount, "card")),
    )
