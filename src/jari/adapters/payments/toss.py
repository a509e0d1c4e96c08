"""Toss Payments (API v1) over HTTP, translated into the words that every gateway has.

The protocol is documented at https://docs.tosspayments.com/reference. An answer counts by its ``code``, never by
its HTTP status: PROVIDER_ERROR is a 400, and yet the payment may be done.
"""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from jari.adapters.proxies import proxy_to
from jari.domain.errors import Invalid
from jari.domain.gateways import Failed, Hint, Record, Refused, Returned, Said, Standing
from jari.domain.payments import NoAnswer
from jari.domain.urls import is_url
from jari.ports.gateways import Checkout
from jari.settings import BadSetting, GatewaySettings

T = TypeVar("T")

MAX_ANSWER_BYTES = 1024 * 1024
KEEP_ALIVE_SECONDS = 4  # of an idle connection: shorter than any known server keeps one, which is 5
MAX_REASON_LENGTH = 200
MAX_TEXT_LENGTH = 500  # of a text that we store: the gateway's messages and codes are shorter
CURRENCY = "KRW"
OK = 200
NOT_FOUND = 404

# Our own codes, for when the gateway gave none.
NO_ANSWER = "NO_ANSWER"
UNREADABLE_ANSWER = "UNREADABLE_ANSWER"
IN_FLIGHT = "IDEMPOTENT_REQUEST_PROCESSING"
UNKNOWN_PAYMENT = "NOT_FOUND_PAYMENT"

# The states of a payment, https://docs.tosspayments.com/reference#payment-객체.
STANDINGS = {
    "READY": Standing.OPEN,
    "IN_PROGRESS": Standing.OPEN,  # the buyer has authenticated it; nobody has confirmed it yet
    "WAITING_FOR_DEPOSIT": Standing.PROMISED,  # into a virtual account
    "DONE": Standing.TAKEN,
    "PARTIAL_CANCELED": Standing.TAKEN,
    "CANCELED": Standing.ENDED,
    "ABORTED": Standing.ENDED,
    "EXPIRED": Standing.ENDED,
}

# A code that is not listed below leaves the payment uncertain. A missing code costs one look-up; a code too many
# would free the seats of somebody who has paid. So a code stands here only if the gateway documents it for the very
# call (https://docs.tosspayments.com/reference/error-codes, tables of the payment's confirm and cancel) and its
# meaning rules out that money moved. Left out on purpose, though documented: ALREADY_PROCESSED_PAYMENT,
# ALREADY_PROCESSING_REQUEST, PROVIDER_ERROR, CARD_PROCESSING_ERROR, UNAPPROVED_ORDER_ID, NOT_AVAILABLE_PAYMENT,
# NOT_AVAILABLE_BANK, FORBIDDEN_CONSECUTIVE_REQUEST, NOT_MATCHES_REFUNDABLE_AMOUNT and all that come with a 5xx.
REFUSES_CONFIRM = frozenset({
    # the request or the merchant's set-up
    "INVALID_REQUEST",
    "INVALID_API_KEY",
    "INVALID_AUTHORIZE_AUTH",
    "INVALID_IDEMPOTENCY_KEY",
    "INVALID_UNREGISTERED_SUBMALL",
    "INCORRECT_BASIC_AUTH_FORMAT",
    "UNAUTHORIZED_KEY",
    "FORBIDDEN_REQUEST",
    "NOT_FOUND_TERMINAL_ID",
    "NOT_REGISTERED_BUSINESS",
    "BELOW_MINIMUM_AMOUNT",
    # the authentication does not exist, or has ended
    "NOT_FOUND_PAYMENT",
    "NOT_FOUND_PAYMENT_SESSION",
    # the buyer's card or account
    "REJECT_CARD_PAYMENT",
    "REJECT_CARD_COMPANY",
    "REJECT_ACCOUNT_PAYMENT",
    "REJECT_TOSSPAY_INVALID_ACCOUNT",
    "RESTRICTED_TRANSFER_ACCOUNT",
    "FDS_ERROR",
    "INVALID_REJECT_CARD",
    "INVALID_CARD_EXPIRATION",
    "INVALID_CARD_NUMBER",
    "INVALID_CARD_LOST_OR_STOLEN",
    "INVALID_CARD_INSTALLMENT_PLAN",
    "INVALID_STOPPED_CARD",
    "INVALID_PASSWORD",
    "INVALID_ACCOUNT_INFO_RE_REGISTER",
    "NOT_ALLOWED_POINT_USE",
    "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
    "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN",
    "EXCEED_MAX_AMOUNT",
    "EXCEED_MAX_AUTH_COUNT",
    "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
    "EXCEED_MAX_ONE_DAY_AMOUNT",
    "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT",
    "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
    "EXCEED_MAX_PAYMENT_AMOUNT",
})  # fmt: skip

# UNAUTHORIZED_KEY and FORBIDDEN_REQUEST do not stand here: they refuse no refund for good, for it goes through once an
# operator has mended the key. "Already canceled" says that this call moved nothing; the payment's cancels say whether
# an earlier one did.
REFUSES_CANCEL = frozenset({
    "INVALID_REQUEST",
    "INVALID_IDEMPOTENCY_KEY",
    "INVALID_BANK",
    "INVALID_REFUND_ACCOUNT_INFO",
    "INVALID_REFUND_ACCOUNT_NUMBER",
    "FORBIDDEN_BANK_REFUND_REQUEST",
    "NOT_FOUND_PAYMENT",
    "NOT_CANCELABLE_AMOUNT",
    "NOT_CANCELABLE_PAYMENT",
    "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER",
    "NOT_ALLOWED_PARTIAL_REFUND",
    "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT",
    "ALREADY_CANCELED_PAYMENT",
    "ALREADY_REFUND_PAYMENT",
    "EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT",
    "EXCEED_CANCEL_LIMIT",
    "EXCEED_MAX_REFUND_DUE",
    "REFUND_REJECTED",
})  # fmt: skip

# The key comes through the buyer's browser. A key of dots alone would climb out of the path.
_PAYMENT_KEY = re.compile(r"(?!\.+\Z)[A-Za-z0-9_.=~-]{1,200}")

# An escape in a JSON text: a whole surrogate pair; one half of a pair (``half``), which is no character and which no
# database takes; or anything else, a backslash included.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_CONTROL_TO_SPACE = dict.fromkeys(range(32), " ")


class _Cancel(msgspec.Struct, rename="camel"):
    cancel_amount: Annotated[int, msgspec.Meta(ge=0)]
    cancel_reason: str = ""


class _Payment(msgspec.Struct, rename="camel"):
    payment_key: str
    order_id: str
    status: str
    total_amount: Annotated[int, msgspec.Meta(ge=0)]
    balance_amount: Annotated[int, msgspec.Meta(ge=0)]
    method: str | None = None
    currency: str = CURRENCY
    cancels: list[_Cancel] | None = None


class _Error(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(min_length=1)]
    message: str | None = None


class _HintedPayment(msgspec.Struct, rename="camel"):
    payment_key: str
    order_id: str


class _Hint(msgspec.Struct, rename="camel"):
    event_type: str
    data: _HintedPayment


_payments = msgspec.json.Decoder(_Payment)
_errors = msgspec.json.Decoder(_Error)
_hints = msgspec.json.Decoder(_Hint)


class _Unanswered(Exception):
    """There was no answer that can be understood."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.no_answer = NoAnswer(code, message)


class TossGateway:
    """The gateway behind one secret key. Call ``close`` when done with it.

    The url may have a path, as a sandbox mounted under a prefix has. No call lasts longer than the timeout, waiting
    for one of the connections included. With a test code the gateway answers each call with that error and does
    nothing; with live keys it ignores the code.
    """

    name = "toss"
    currency = CURRENCY

    def __init__(self, settings: GatewaySettings) -> None:
        if not is_url(settings.url):
            raise BadSetting(
                f"The address of the payment gateway {self.name} is none: name it as https://host in "
                "JARI_GATEWAY_URL, or in JARI_FORMER_GATEWAYS."
            )
        self.checkout = Checkout(self.name, settings.script_url, settings.client_key, _sources(settings))
        credentials = base64.b64encode(f"{settings.secret_key}:".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Accept-Encoding": "identity"}
        if settings.test_code:
            headers["TossPayments-Test-Code"] = settings.test_code
        self._url = f"{settings.url.rstrip('/')}/v1/payments"
        self._timeout_seconds = settings.timeout_seconds
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds),
            connector=aiohttp.TCPConnector(limit=settings.connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy_to(settings.url),
        )

    @staticmethod
    def is_live_key(key: str) -> bool:
        """Whether real money moves with this key: live_sk_…, live_gsk_…, live_ck_… do it."""
        return key.strip().startswith("live_")

    async def close(self) -> None:
        """Close the connections; no call may follow."""
        await self._session.close()

    async def confirm(self, *, payment_key: str, order_id: str, amount: int, idempotency_key: str) -> Said:
        """Charge a payment that the buyer has authenticated."""
        if not _PAYMENT_KEY.fullmatch(payment_key):
            return Refused("INVALID_REQUEST", "No payment has such a key, so nothing was sent.")
        body = {"paymentKey": payment_key, "orderId": order_id, "amount": amount}
        return await self._post("confirm", body, idempotency_key, REFUSES_CONFIRM)

    async def cancel(self, *, payment_key: str, amount: int, reason: str, idempotency_key: str) -> Said:
        """Give back this amount of a payment."""
        if not _PAYMENT_KEY.fullmatch(payment_key):
            return Refused("INVALID_REQUEST", "No payment has such a key, so nothing was sent.")
        if not 1 <= len(reason) <= MAX_REASON_LENGTH:
            # Cut short, the reason would lose its end, by which the caller recognises it in the record.
            return Refused(
                "INVALID_REQUEST", f"A reason has 1 to {MAX_REASON_LENGTH} characters, so nothing was sent."
            )
        body = {"cancelReason": reason, "cancelAmount": amount}
        return await self._post(f"{quote(payment_key)}/cancel", body, idempotency_key, REFUSES_CANCEL)

    async def look_up(self, payment_key: str) -> Record | NoAnswer | None:
        """The payment with this key; None where the gateway says that there is none."""
        if not _PAYMENT_KEY.fullmatch(payment_key):
            return None
        try:
            status, answer = await self._send("GET", quote(payment_key))
            if status == OK:
                return _record(answer)
            error = _decoded(_errors, status, answer)
        except _Unanswered as reason:
            return reason.no_answer
        # A 404 without this code may come from a proxy, or from a wrong base URL.
        if status == NOT_FOUND and error.code == UNKNOWN_PAYMENT:
            return None
        return NoAnswer(_storable(error.code), _storable(error.message))

    def read_hint(self, body: bytes, headers: Mapping[str, str]) -> Hint:  # noqa: ARG002 - nothing in them is signed
        """Where a webhook of ``PAYMENT_STATUS_CHANGED`` says to look."""
        try:
            hint = _hints.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"The body does not fit: {error}.") from None
        return Hint(hint.data.payment_key, hint.data.order_id)

    async def _post(self, path: str, body: object, idempotency_key: str, refusals: frozenset[str]) -> Said:
        headers = {"Idempotency-Key": idempotency_key, "Content-Type": "application/json"}
        try:
            status, answer = await self._send("POST", path, msgspec.json.encode(body), headers)
            if status == OK:
                return _record(answer)
            error = _decoded(_errors, status, answer)
        except _Unanswered as reason:
            return reason.no_answer
        code, message = _storable(error.code), _storable(error.message)
        if error.code in refusals:
            return Refused(code, message)
        # The first call still runs: its answer will come under the same key.
        return NoAnswer(code, message) if error.code == IN_FLIGHT else Failed(code, message)

    async def _send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and body of the answer.

        Raises:
            _Unanswered: no answer came within the limits of time and size.
        """
        try:
            async with self._session.request(
                method, f"{self._url}/{path}", data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = bytearray()
                async for chunk in response.content.iter_any():
                    answer += chunk
                    if len(answer) > MAX_ANSWER_BYTES:
                        detail = f"The gateway's answer is larger than {MAX_ANSWER_BYTES} bytes."
                        raise _Unanswered(UNREADABLE_ANSWER, detail)
                return response.status, bytes(answer)
        except TimeoutError:
            raise _Unanswered(NO_ANSWER, f"No answer within {self._timeout_seconds:g} s.") from None
        except aiohttp.ClientError as error:
            raise _Unanswered(NO_ANSWER, f"The connection failed: {type(error).__name__}.") from error


def _sources(settings: GatewaySettings) -> str:
    """Where the checkout page may load from: the script's own site, and the sources that the operator names."""
    script = urlsplit(settings.script_url)
    return f"{script.scheme}://{script.netloc} {settings.sources}".strip() if script.scheme else ""


def _record(answer: bytes) -> Record:
    payment = _decoded(_payments, OK, answer)
    if payment.currency != CURRENCY:
        raise _Unanswered(UNREADABLE_ANSWER, "The gateway's amounts are not in won.")
    standing = STANDINGS.get(payment.status)
    if standing is None:
        raise _Unanswered(UNREADABLE_ANSWER, f"No status is known as {_storable(payment.status)[:40]!r}.")
    return Record(
        payment_key=_storable(payment.payment_key),
        order_id=_storable(payment.order_id),
        standing=standing,
        word=payment.status,
        amount=payment.total_amount,
        balance=payment.balance_amount,
        method=_storable(payment.method),
        returns=tuple(
            Returned(each.cancel_amount, _storable(each.cancel_reason)) for each in payment.cancels or ()
        ),
    )


def _decoded(decoder: msgspec.json.Decoder[T], status: int, answer: bytes) -> T:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decoder.decode(answer)
    try:
        return decoder.decode(_readable(answer))
    except (msgspec.DecodeError, RecursionError) as error:
        detail = _storable(f"An answer of HTTP {status} does not fit: {error}")  # it may quote the answer
        raise _Unanswered(UNREADABLE_ANSWER, detail) from None


def _readable(answer: bytes) -> str:
    """The answer as text, with its bad characters replaced, so that it can be read as JSON.

    What is no character becomes U+FFFD, and a control character a space. Such characters stand in texts that are only
    shown; a refusal that we could not read because of them would leave the payment open and its seats firm.
    """
    text = answer.decode(errors="replace").translate(_CONTROL_TO_SPACE)
    return _ESCAPE.sub(lambda escape: r"\ufffd" if escape["half"] else escape[0], text)


def _storable(text: str | None) -> str:
    """A text of the gateway, in a form that every database takes, cut to `MAX_TEXT_LENGTH`."""
    short = (text or "")[:MAX_TEXT_LENGTH]
    return short if short.isprintable() else "".join(each if each.isprintable() else " " for each in short)
