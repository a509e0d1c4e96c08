"""The page: one HTML document for every address, and the files that it loads."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from jari.settings import Settings
from jari.web.api.requests import nothing_here, route

STATIC = Path(__file__).parent / "static"

FILE_HEADERS = {"Cache-Control": "no-cache"}

CONTENT = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POLICY = {
    "Content-Security-Policy": CONTENT,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Files(StaticFiles):
    """The page's files; browsers ask each time whether they have the newest, lest an update mix old and new."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, or with a problem where there is none."""
        try:
            response = await self.get_response(self.get_path(scope), scope)
        except HTTPException:
            await nothing_here(scope, receive, send)
            return
        response.headers.update(FILE_HEADERS)
        await response(scope, receive, send)


def routes(gateway_sources: str, settings: Settings) -> list[BaseRoute]:
    """The routes of the page."""

    async def index(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=POLICY)

    async def checkout(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=checkout_policy)

    checkout_policy = {**POLICY, **_checkout_headers(gateway_sources)}
    return [
        route("/", settings, GET=index),
        route("/matches/{schedule_id:id}", settings, GET=index),
        route("/reservations", settings, GET=index),
        route("/reservations/{reservation_id:id}", settings, GET=index),
        route("/checkout/{reservation_id:id}", settings, GET=checkout),
        route("/checkout/success", settings, GET=checkout),
        route("/checkout/fail", settings, GET=checkout),
        Mount("/static", Files(directory=STATIC)),
    ]


def _checkout_headers(sources: str) -> dict[str, str]:
    """The checkout alone may load the gateway's script, talk to the gateway and open its window."""
    if not sources:
        return {}
    return {
        "Content-Security-Policy": (
            CONTENT.replace("form-action 'self'", f"form-action 'self' {sources}")
            + f"; script-src 'self' {sources}; connect-src 'self' {sources}; frame-src {sources}"
        ),
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    }
