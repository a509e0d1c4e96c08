"""Payment gateways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from jari.domain.gateways import Hint, Record, Said
from jari.domain.payments import NoAnswer


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the checkout page needs to ask a gateway for a payment."""

    gateway: str  # its name
    script_url: str  # of the gateway's own script
    client_key: str  # for that script; no secret
    sources: str  # other places that the page may load from, talk to and open


class Gateway(Protocol):
    """A payment gateway. No call raises, and each ends within a time limit: a time-out is NoAnswer."""

    name: str
    currency: str  # the only one that it charges in
    checkout: Checkout

    async def confirm(self, *, payment_key: str, order_id: str, amount: int, idempotency_key: str) -> Said:
        """Charge a payment that the buyer has authenticated."""

    async def cancel(self, *, payment_key: str, amount: int, reason: str, idempotency_key: str) -> Said:
        """Give back this amount of a payment."""

    async def look_up(self, payment_key: str) -> Record | NoAnswer | None:
        """The payment with this key; None where the gateway says that there is none."""

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:
        """Where a message of the gateway, which is not believed, says to look. Raises Invalid if it makes no sense."""

    async def close(self) -> None:
        """Close the connections; no call may follow."""
