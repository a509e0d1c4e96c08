"""What an operator and a load balancer ask: alive, ready, and the figures."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from jari.settings import Settings
from jari.usecases.live import Live
from jari.web.api.requests import route
from jari.web.api.responses import success


def routes(live: Live, settings: Settings) -> list[BaseRoute]:
    """The routes of operations."""

    async def livez(_: Request) -> Response:
        return success({"alive": True})

    async def readyz(_: Request) -> Response:
        await live.check_store()
        return success({"ready": True})

    async def figures(_: Request) -> Response:
        return PlainTextResponse(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        route("/livez", settings, GET=livez),
        route("/readyz", settings, GET=readyz),
        route("/metrics", settings, GET=figures),
    ]
