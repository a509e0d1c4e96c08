"""What an operator and a load balancer ask: alive, ready, and the figures."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from jari.settings import Settings
from jari.usecases.live import Live
from jari.web.api.requests import route
from jari.web.api.responses import success


def routes(live: Live, figures: Callable[[], Awaitable[bytes]], settings: Settings) -> list[BaseRoute]:
    """The routes of operations."""

    async def livez(_: Request) -> Response:
        return success({"alive": True})

    async def readyz(_: Request) -> Response:
        await live.check_store()
        return success({"ready": True})

    async def told(_: Request) -> Response:
        return PlainTextResponse(await figures(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        route("/livez", settings, GET=livez),
        route("/readyz", settings, GET=readyz),
        route("/metrics", settings, GET=told),
    ]
