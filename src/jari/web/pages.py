"""The page: one HTML document for every address, and the files that it loads."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from jari.settings import Settings
from jari.web.requests import route

STATIC = Path(__file__).parent / "static"

POLICY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of the page."""

    async def index(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=POLICY)

    return [
        route("/", index, settings),
        route("/matches/{schedule_id:int}", index, settings),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
