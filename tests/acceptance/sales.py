"""What the people of a scene do with money: reserve, pay, have it given back, and come in with a ticket."""

import re
from typing import Any

import httpx
from scenes import Scene, data_of

from support.sandboxes import CALL_SECONDS, Sandbox, checkout

CARDS = {"a good card": "good", "a card over its limit": "rejected"}


class Sales:
    """The reservation and the payment that each person of a scene was at last busy with."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.reservations: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}  # what was sent to have them confirmed
        self.codes: dict[int, str] = {}  # seat id → what is printed on its ticket

    @property
    def sandbox(self) -> Sandbox:
        assert self._scene.house.sandbox is not None, "nobody can pay here"
        return self._scene.house.sandbox

    def order_id(self, name: str) -> str:
        return str(self.reservations[name]["orderId"])

    # Before the payment

    def reserve(self, name: str, key: str = "") -> httpx.Response:
        body = {"scheduleId": self._scene.match.id}
        return self._keep(name, self._post(name, "/api/reservations", body, key))

    def book(self, name: str, seats: str, key: str = "") -> httpx.Response:
        """Hold and reserve at once."""
        body = {"scheduleId": self._scene.match.id, "seats": self._scene.places(seats)}
        return self._keep(name, self._post(name, "/api/bookings/start", body, key))

    def book_bare(self, name: str, seats: str, **parameters: int) -> httpx.Response:
        """The same with nothing but the seats."""
        places = self._scene.places(seats)
        return self._keep(
            name, self._scene.send(name, "POST", "/api/bookings/start", json=places, params=parameters)
        )

    def cancel(self, name: str, whose: str) -> httpx.Response:
        return self._post(name, f"/api/reservations/{self.reservations[whose]['id']}/cancel", {})

    def shown(self, name: str) -> dict[str, Any]:
        """The reservation as its buyer sees it now."""
        path = f"/api/reservations/{self.reservations[name]['id']}"
        shown: dict[str, Any] = data_of(self._scene.client(name).get(path))
        return shown

    # The payment

    def payment_page(self, name: str) -> str:
        """What the gateway's page shows to somebody who is about to pay."""
        reservation = self.reservations[name]
        fields = checkout(reservation["orderId"], reservation["amount"], orderName=reservation["orderName"])
        answer = httpx.get(f"{self.sandbox.url}/pay", params=fields, timeout=CALL_SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.text

    def choose(self, name: str, card: str, *, whose: str = "", less: int = 0) -> None:
        """Choose a card on the payment page; the buyer comes back to our own page, and nothing is charged yet."""
        reservation = self.reservations[whose or name]
        amount = reservation["amount"] - less
        self.payments[name] = {
            "paymentKey": self.sandbox.authenticate(reservation["orderId"], amount, CARDS[card]),
            "orderId": reservation["orderId"],
            "amount": amount,
        }

    def confirm(self, name: str, key: str = "", **other: Any) -> httpx.Response:
        return self._post(name, "/api/payments/confirm", {**self.payments[name], **other}, key)

    def pay(self, name: str, card: str = "a good card") -> httpx.Response:
        self.choose(name, card)
        return self.confirm(name)

    def at_the_gateway(self, name: str) -> list[dict[str, Any]]:
        """Every try to pay the reservation, as the gateway's books have it."""
        order_id = self.order_id(name)
        return [each for each in self.sandbox.ledger() if each["orderId"] == order_id]

    def charges(self, name: str) -> list[int]:
        """What the gateway has taken for the reservation: an amount for each time."""
        return [each["totalAmount"] for each in self.at_the_gateway(name) for _ in range(each["charges"])]

    def given_back(self, name: str) -> list[int]:
        """What the gateway has given back of that."""
        return [
            cancel["cancelAmount"]
            for each in self.at_the_gateway(name)
            for cancel in each.get("cancels") or ()
        ]

    # After the payment

    def buy(self, name: str, seats: str) -> None:
        """The whole way, from the free seats to the tickets."""
        data_of(self.book(name, seats), 201)
        assert data_of(self.pay(name))["status"] == "CONFIRMED"

    def refund(self, name: str, whose: str, seats: str = "", key: str = "") -> httpx.Response:
        """Ask for the money of these seats, or of all."""
        payment_id = self.shown(whose)["payment"]["id"]
        body = {"seatIds": self._scene.seat_ids(seats)} if seats else {}
        return self._post(name, f"/api/payments/{payment_id}/cancel", body, key)

    def tickets_path(self, name: str) -> str:
        return f"/api/reservations/{self.reservations[name]['id']}/tickets"

    def tickets(self, name: str) -> dict[int, dict[str, Any]]:
        """Seat id → its ticket, as the buyer sees them now."""
        items = data_of(self._scene.client(name).get(self.tickets_path(name)))["items"]
        assert len({each["token"] for each in items}) == len(items)
        return {each["seatId"]: each for each in items}

    def print_tickets(self, name: str) -> None:
        """Keep what is printed on the tickets of this moment."""
        self.codes |= {seat_id: each["token"] for seat_id, each in self.tickets(name).items()}

    def check_in(self, name: str, code: str) -> httpx.Response:
        return self._post(name, "/api/tickets/check-in", {"token": code, "scheduleId": self._scene.match.id})

    def _post(self, name: str, path: str, body: dict[str, Any], key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self._scene.send(name, "POST", path, json=body, headers=headers)

    def _keep(self, name: str, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == httpx.codes.CREATED:
            self.reservations[name] = answer.json()["data"]
        return answer


def without_clock(answer: httpx.Response) -> str:
    """An answer's text but for the time at which it was given."""
    return re.sub(r'"serverTime":"[^"]*"', '"serverTime":…', answer.text)
