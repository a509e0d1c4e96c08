"""Payment gateways: a file for each, and a line in `ADAPTERS`."""

from typing import Protocol

from jari.adapters.payments.toss import TossGateway
from jari.ports.gateways import Gateway
from jari.settings import BadSetting, GatewayChoice, GatewaySettings


class Adapter(Protocol):
    """Makes a gateway of its settings."""

    def __call__(self, settings: GatewaySettings, /) -> Gateway:
        """The gateway; nothing is asked of it yet. Raises BadSetting where its address is none."""

    def is_live_key(self, key: str, /) -> bool:
        """Whether real money moves with this key."""


ADAPTERS: dict[str, Adapter] = {
    "toss": TossGateway,
}


def open_gateways(settings: GatewayChoice) -> list[Gateway]:
    """The payment gateways that the settings name.

    Raises:
        BadSetting: a gateway is unknown or named twice; its address is missing or cannot be its own; a key is missing,
            or is live outside production.
    """
    names = [each.name for each in settings.gateways]
    for each in settings.gateways:
        _require_usable(each, settings.environment)
        if names.count(each.name) > 1:
            raise BadSetting(f"The payment gateway {each.name} is named twice: correct JARI_FORMER_GATEWAYS.")
    return [ADAPTERS[each.name](each) for each in settings.gateways]


def _require_usable(gateway: GatewaySettings, environment: str) -> None:
    adapter = ADAPTERS.get(gateway.name)
    if adapter is None:
        raise BadSetting(
            f"No payment gateway is known as {gateway.name!r}: name one of {', '.join(ADAPTERS)}."
        )
    keys = (gateway.secret_key, gateway.client_key)
    if not gateway.url or not all(keys):
        raise BadSetting(
            f"The payment gateway {gateway.name} is named, but not its address and keys: set JARI_GATEWAY_URL, "
            "JARI_GATEWAY_SECRET_KEY and JARI_GATEWAY_CLIENT_KEY, or what JARI_FORMER_GATEWAYS says of it."
        )
    if any(map(adapter.is_live_key, keys)) and environment != "production":
        raise BadSetting(
            "These are live keys of the payment gateway, and real money would move: use test keys, or set "
            "JARI_ENVIRONMENT=production."
        )
