"""Bodies as they go over the wire: what the shop sends, and the payment object that it gets."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request

from jari.sandbox.errors import Refusal, fault
from jari.sandbox.ledger import CHARGED, Payment, Status

T = TypeVar("T")

MAX_BODY_BYTES = 64 * 1024
SEOUL = timezone(timedelta(hours=9))
VAT_PARTS = 11  # ten parts are the price, one is the tax

Amount = Annotated[int, msgspec.Meta(gt=0, le=10**12)]
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{6,64}\Z")]


class ConfirmBody(msgspec.Struct, rename="camel", frozen=True):
    """What a confirm says."""

    payment_key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    order_id: OrderId
    amount: Amount


class CancelBody(msgspec.Struct, rename="camel", frozen=True):
    """What a cancel says. Without an amount it means all that is left."""

    cancel_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    cancel_amount: int | None = None


class ErrorObject(msgspec.Struct):
    """An error."""

    code: str
    message: str


class CancelObject(msgspec.Struct, rename="camel"):
    """Money that went back."""

    cancel_amount: int
    cancel_reason: str
    canceled_at: str
    transaction_key: str
    refundable_amount: int
    cancel_status: str = "DONE"
    tax_free_amount: int = 0
    tax_exemption_amount: int = 0


class PaymentObject(msgspec.Struct, rename="camel", kw_only=True):
    """A payment, with those fields of the real one that a card payment fills."""

    payment_key: str
    order_id: str
    order_name: str
    status: Status
    total_amount: int
    balance_amount: int
    supplied_amount: int
    vat: int
    requested_at: str
    approved_at: str | None
    last_transaction_key: str | None
    cancels: list[CancelObject] | None
    failure: ErrorObject | None
    merchant_id: str = msgspec.field(default="sandbox", name="mId")
    version: str = "2022-11-16"
    type: str = "NORMAL"
    method: str = "카드"
    currency: str = "KRW"
    country: str = "KR"
    is_partial_cancelable: bool = True
    use_escrow: bool = False
    culture_expense: bool = False
    tax_free_amount: int = 0
    tax_exemption_amount: int = 0


def payment_object(payment: Payment, language: str = "ko") -> PaymentObject:
    """A payment as the API shows it."""
    balance = payment.balance
    vat = round(balance / VAT_PARTS)
    last = payment.cancels[-1].transaction_key if payment.cancels else f"{payment.key[-40:]}-0"
    failure = fault(payment.failure, language) if payment.failure else None
    return PaymentObject(
        payment_key=payment.key,
        order_id=payment.order.id,
        order_name=payment.order.name,
        status=payment.status,
        total_amount=payment.order.amount,
        balance_amount=balance,
        supplied_amount=balance - vat,
        vat=vat,
        requested_at=_at(payment.requested_at_ms),
        approved_at=None if payment.approved_at_ms is None else _at(payment.approved_at_ms),
        last_transaction_key=last if payment.status in CHARGED else None,
        cancels=_cancels(payment) or None,
        failure=ErrorObject(failure.code, failure.message) if failure else None,
    )


def webhook_body(payment: Payment, now_ms: int) -> bytes:
    """The event that a payment's status changed. Its time has no UTC offset, unlike the times in the payment."""
    created_at = datetime.fromtimestamp(now_ms / 1000, SEOUL).replace(tzinfo=None)
    return msgspec.json.encode({
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": created_at.isoformat(timespec="microseconds"),
        "data": payment_object(payment),
    })  # fmt: skip


async def read_body(request: Request) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is too large.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refusal("INVALID_REQUEST")
    return bytes(body)


def decoded(body: bytes, kind: type[T]) -> T:
    """What the body says.

    Raises:
        Refusal: it does not say that.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("INVALID_REQUEST") from None


def language_of(request: Request, default: str) -> str:
    """``ko`` or ``en``, whichever the request prefers."""
    best, best_weight = default, 0.0
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight_text = part.replace(" ", "").partition(";q=")
        language = tag[:2].lower()
        try:
            weight = float(weight_text or 1)
        except ValueError:
            continue
        if language in {"ko", "en"} and weight > best_weight:
            best, best_weight = language, weight
    return best


def _cancels(payment: Payment) -> list[CancelObject]:
    left = payment.order.amount
    objects = []
    for each in payment.cancels:
        left -= each.amount
        objects.append(
            CancelObject(
                cancel_amount=each.amount,
                cancel_reason=each.reason,
                canceled_at=_at(each.at_ms),
                transaction_key=each.transaction_key,
                refundable_amount=left,
            )
        )
    return objects


def _at(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(SEOUL).isoformat(timespec="seconds")
