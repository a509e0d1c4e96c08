"""What a shop asks a buyer to pay, and the addresses that the buyer comes back to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

MAX_AMOUNT = 10**12
MAX_NAME_LENGTH = 100
MAX_URL_LENGTH = 2_000

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")
_AMOUNT = re.compile(r"[1-9][0-9]{0,12}")
_URL = re.compile(r"[\x21-\x7e]+")
# The host goes into a policy header. So the browser must read the same host from the URL as we do.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


class BadCheckout(Exception):
    """A part of the shop's request has the wrong form; the message says which."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One payment that a shop asks for."""

    order_id: str
    amount: int
    order_name: str
    success_url: str
    fail_url: str
    buyer_name: str = ""

    def fields(self) -> Mapping[str, str]:
        """The checkout as the fields of a form or a query, in the gateway's names."""
        return {
            "orderId": self.order_id,
            "amount": str(self.amount),
            "orderName": self.order_name,
            "successUrl": self.success_url,
            "failUrl": self.fail_url,
            "customerName": self.buyer_name,
        }

    def return_origins(self) -> tuple[str, ...]:
        """The origins that the buyer may be sent back to."""
        return tuple(dict.fromkeys(_origin(url) for url in (self.success_url, self.fail_url)))

    def paid_url(self, payment_key: str) -> str:
        """The address for a buyer who has authenticated the payment."""
        return _extended(
            self.success_url, paymentKey=payment_key, orderId=self.order_id, amount=str(self.amount)
        )

    def left_url(self, message: str) -> str:
        """The address for a buyer who does not want to pay. The gateway does not name the order in it."""
        return _extended(self.fail_url, code="PAY_PROCESS_CANCELED", message=message)


def read_checkout(fields: Mapping[str, str]) -> Checkout:
    """A checkout from the fields of a query or a form.

    Raises:
        BadCheckout: a field is missing or has the wrong form.
    """
    checkout = Checkout(
        order_id=_matching(fields, "orderId", _ORDER_ID, "6 to 64 of A-Z, a-z, 0-9, - and _"),
        amount=int(_matching(fields, "amount", _AMOUNT, "a whole number of won")),
        order_name=fields.get("orderName", ""),
        success_url=_return_url(fields, "successUrl"),
        fail_url=_return_url(fields, "failUrl"),
        buyer_name=fields.get("customerName", ""),
    )
    if checkout.amount > MAX_AMOUNT:
        raise BadCheckout(f"'amount' is more than {MAX_AMOUNT} won.")
    if not 1 <= len(checkout.order_name) <= MAX_NAME_LENGTH or len(checkout.buyer_name) > MAX_NAME_LENGTH:
        raise BadCheckout(
            f"'orderName' has 1 to {MAX_NAME_LENGTH} characters; 'customerName' has no more than that."
        )
    return checkout


def _matching(fields: Mapping[str, str], name: str, pattern: re.Pattern[str], form: str) -> str:
    text = fields.get(name, "")
    if not pattern.fullmatch(text):
        raise BadCheckout(f"'{name}' has to be {form}.")
    return text


def _return_url(fields: Mapping[str, str], name: str) -> str:
    url = fields.get(name, "")
    if len(url) > MAX_URL_LENGTH or not _URL.fullmatch(url) or "\\" in url:
        raise BadCheckout(f"'{name}' has to be an http or https URL, its special characters encoded.")
    try:
        origin = _origin(url)
    except ValueError:
        origin = ""
    if not _ORIGIN.fullmatch(origin):
        raise BadCheckout(f"'{name}' has to be an http or https URL with a plain host name.")
    return url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _extended(url: str, **parameters: str) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query))
