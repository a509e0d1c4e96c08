"""The whole application without its server, in the test's own loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jari.adapters.signing import Signer
from jari.adapters.system import CHANCE, CLOCK
from jari.main import Application, open_stores
from jari.ports.system import Chance, Clock
from jari.settings import Settings
from jari.usecases.devices import Devices
from jari.usecases.gateways import Gateways


@asynccontextmanager
async def opened(
    settings: Settings, gateways: Gateways, clock: Clock = CLOCK, chance: Chance = CHANCE
) -> AsyncIterator[Application]:
    """An application on the settings' database. It runs no background tasks."""
    stores = await open_stores(settings, clock, chance)
    devices = Devices(b"key", clock, chance, accounts_per_device=5, days=365)
    application = Application(
        stores, Signer.generate(), devices, gateways, settings, clock=clock, chance=chance
    )
    yield application
    await application.payments.close()
    await application.refunds.close()
    await application.tills.close()
    await gateways.close()
    application.passwords.close()
    await application.printer.close()
    await application.sender.close()
    await stores.close()
