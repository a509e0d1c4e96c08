"""The page: one HTML document for every address, and the files that it loads.

The document names the files below ``/static/@<release>/``, where the release is a digest of them all. So a browser keeps
them for good and asks for none a second time; modules import each other by relative addresses, and stay in their release.
"""

import hashlib
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from jari.domain.errors import NotFound
from jari.domain.permissions import Action
from jari.ports.gateways import Checkout
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint, Kind
from jari.web.services import Services

HTML = "text/html"
STATIC = Path(__file__).parent / "static"
FILES = StaticFiles(directory=STATIC)

RELEASE_BYTES = 8
FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
# Under any other address, that of another release included, a browser must ask each time. Else an update would mix files.
EACH_TIME = {"Cache-Control": "no-cache"}

CONTENT = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POLICY = {
    "Content-Security-Policy": CONTENT,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


async def index(_: Services, __: Call[None, None], *___: int) -> Response:
    """The page."""
    return HTMLResponse(document(), headers=POLICY)


async def checkout(services: Services, __: Call[None, None], *___: int) -> Response:
    """The page as the checkout, which may do more."""
    return HTMLResponse(document(), headers={**POLICY, **checkout_headers(services.payments.checkout)})


@cache
def document() -> str:
    """The document of every page. It names all modules, so that a browser fetches them at once.

    A browser learns of a module otherwise only when it has the one that imports it. It would wait for the network
    once for each level of imports.
    """
    modules = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
    links = "\n    ".join(f'<link rel="modulepreload" href="/static/{module}">' for module in modules)
    text = (STATIC / "index.html").read_text(encoding="utf-8").replace("<!-- modules -->", links)
    return text.replace('"/static/', f'"/static/{release()}/')


@cache
def release() -> str:
    """The release of the page's files as addresses name it. Files that change under a running server do not change it."""
    digest = hashlib.blake2b(digest_size=RELEASE_BYTES)
    for path in sorted(STATIC.rglob("*.*")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(STATIC).as_posix()} {len(content)} ".encode() + content)
    return f"@{digest.hexdigest()}"


async def file(_: Services, call: Call[None, None], path: str) -> Response:
    """A file that the page loads. One of another release is ours of that name: servers are updated one by one."""
    named = ""
    if path.startswith("@"):
        named, path = path.split("/", 1) if "/" in path else (path, "")
    try:
        response = await FILES.get_response(path, call.scope)
    except HTTPException:
        raise NotFound("There is nothing at this address: see /docs.") from None
    response.headers.update(FOR_GOOD if named == release() else EACH_TIME)
    return response


def checkout_headers(checkout: Checkout | None) -> dict[str, str]:
    """The checkout alone may load the gateway's script, talk to the gateway and open its window."""
    if checkout is None or not checkout.sources:
        return {}
    sources = checkout.sources
    return {
        "Content-Security-Policy": (
            CONTENT.replace("form-action 'self'", f"form-action 'self' {sources}")
            + f"; script-src 'self' {sources}; connect-src 'self' {sources}; frame-src {sources}"
        ),
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    }


ENDPOINTS = (
    *(
        Endpoint("GET", path, index, Action.LOOK, kind=Kind.PAGE, media=HTML)
        for path in ("/", "/matches/{schedule}", "/reservations", "/reservations/{reservation}")
    ),
    *(
        Endpoint("GET", path, checkout, Action.LOOK, kind=Kind.PAGE, media=HTML)
        for path in ("/checkout/{reservation}", "/checkout/success", "/checkout/fail")
    ),
    Endpoint("GET", "/static/{file:rest}", file, Action.LOOK, kind=Kind.PAGE, media="*/*"),
)
