"""A jari server in the tests' process, on a world's event loop. So it can share the world's memory store."""

import asyncio
import socket
from typing import Any

from jari.main import Application, open_devices, open_gateways, open_signer, open_stores
from jari.settings import Settings
from jari.web.server import Server
from support.servers import free_port
from support.worlds import World


class ServerInside:
    """Like `support.servers.Server`, but in this process. It ends in order, since nothing can kill it alone."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = Settings(
            database=world.database_url, sign_ups_per_address=100_000, port=self.port, **settings
        )
        self._application: Application | None = None
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> "ServerInside":
        self.world.run(self._start())
        return self

    def kill(self) -> None:
        self.world.run(self._end())

    async def _start(self) -> None:
        settings = self._settings
        stores = await open_stores(settings)
        signer, devices = await open_signer(stores.duties), await open_devices(stores.duties, settings)
        self._application = Application(stores, signer, devices, open_gateways(settings), settings)
        application = self._application
        self._server = Server(
            application.asgi(), application.hub, application.deadlines, application.drain, settings
        )
        listening = socket.create_server(("127.0.0.1", self.port))
        self._serving = asyncio.create_task(self._server.serve([listening]))
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.01)

    async def _end(self) -> None:
        if self._application is not None and self._server is not None and self._serving is not None:
            self._application.hub.close()
            self._server.should_exit = True
            await self._serving
