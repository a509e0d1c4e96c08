"""The payment window: the page, the form that it sends, and the way back to the shop."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from jari.sandbox.checkout import BadCheckout, Checkout, read_checkout
from jari.sandbox.errors import Refusal
from jari.sandbox.ledger import Card, Ledger, Order
from jari.sandbox.page import CANCEL, LANGUAGES, mistake_page, payment_page
from jari.sandbox.wire import language_of, read_body

STATIC = Path(__file__).parent / "static"
MAX_FIELDS = 20
SEE_OTHER = 303
BAD_REQUEST = 400


class Window:
    """What the buyer's browser asks the sandbox for."""

    def __init__(self, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._ledger = ledger
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """``GET /pay?orderId&amount&orderName&successUrl&failUrl[&customerName]``: the page; nothing begins yet."""
        language = language_of(request, "en")
        try:
            checkout = read_checkout(request.query_params)
        except BadCheckout as refusal:
            return _page(mistake_page(str(refusal), language), (), BAD_REQUEST)
        return _page(payment_page(checkout, language), checkout.return_origins())

    async def choose(self, request: Request) -> Response:
        """``POST /pay``: the buyer has chosen.

        The body is a form (``application/x-www-form-urlencoded``) of the fields that ``GET /pay`` takes in its
        query, and ``choice``: ``good``, ``rejected`` or ``slow`` are cards, ``cancel`` is none. The answer is a 303
        to ``successUrl`` with ``paymentKey``, ``orderId`` and ``amount``, or to ``failUrl`` with ``code`` and
        ``message``.
        """
        language = language_of(request, "en")
        words = LANGUAGES[language]
        try:
            fields = await _read_form(request)
            checkout = read_checkout(fields)
            if fields.get("choice") == CANCEL:
                return RedirectResponse(checkout.left_url(words.left), SEE_OTHER)
            card = _card(fields)
            return RedirectResponse(checkout.paid_url(self._authenticate(checkout, card)), SEE_OTHER)
        except BadCheckout as refusal:
            return _page(mistake_page(str(refusal), language), (), BAD_REQUEST)
        except Refusal:
            return _page(mistake_page(words.paid_before, language), (), BAD_REQUEST)

    def _authenticate(self, checkout: Checkout, card: Card) -> str:
        order = Order(checkout.order_id, checkout.amount, checkout.order_name)
        payment_key = f"sandbox_{secrets.token_urlsafe(24)}"
        return self._ledger.authenticate(order, card, payment_key, self._clock()).key


async def script(_: Request) -> Response:
    """``GET /v2/standard``: the script that a shop's page loads."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return FileResponse(STATIC / "standard.js", media_type="text/javascript", headers=headers)


def _page(html: str, return_origins: tuple[str, ...], status: int = 200) -> Response:
    # Chromium applies form-action also to the redirect after a form, so the policy names the shop's origins.
    targets = " ".join(("'self'", *return_origins))
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
    return HTMLResponse(html, status, headers)


async def _read_form(request: Request) -> Mapping[str, str]:
    try:
        text = (await read_body(request)).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except (Refusal, ValueError):
        raise BadCheckout("The form cannot be read: go back to the shop and begin again.") from None


def _card(fields: Mapping[str, str]) -> Card:
    try:
        return Card(fields.get("choice", ""))
    except ValueError:
        raise BadCheckout(f"'choice' has to be one of {', '.join(Card)} and {CANCEL}.") from None
