"""The gateway's errors: each code with its HTTP status and a sentence in Korean and in English.

Codes and statuses are those of https://docs.tosspayments.com/reference/error-codes; the sentences are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULT_STATUS = 400

# A code that is not named here has the status 400.
_CODES_OF_STATUS: Mapping[int, Sequence[str]] = {
    401: ("UNAUTHORIZED_KEY",),
    403: (
        "EXCEED_CANCEL_LIMIT",
        "EXCEED_MAX_AUTH_COUNT",
        "EXCEED_MAX_ONE_DAY_AMOUNT",
        "EXCEED_MAX_REFUND_DUE",
        "FDS_ERROR",
        "FORBIDDEN_CONSECUTIVE_REQUEST",
        "FORBIDDEN_REQUEST",
        "INCORRECT_BASIC_AUTH_FORMAT",
        "INVALID_PASSWORD",
        "NOT_ALLOWED_PARTIAL_REFUND",
        "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT",
        "NOT_AVAILABLE_BANK",
        "NOT_CANCELABLE_AMOUNT",
        "NOT_CANCELABLE_PAYMENT",
        "NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER",
        "REJECT_ACCOUNT_PAYMENT",
        "REJECT_CARD_COMPANY",
        "REJECT_CARD_PAYMENT",
        "REJECT_TOSSPAY_INVALID_ACCOUNT",
    ),
    404: ("NOT_FOUND", "NOT_FOUND_PAYMENT", "NOT_FOUND_PAYMENT_SESSION"),
    405: ("METHOD_NOT_ALLOWED",),
    409: ("IDEMPOTENT_REQUEST_PROCESSING",),
    500: (
        "COMMON_ERROR",
        "FAILED_INTERNAL_SYSTEM_PROCESSING",
        "FAILED_METHOD_HANDLING_CANCEL",
        "FAILED_PARTIAL_REFUND",
        "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING",
        "FAILED_REFUND_PROCESS",
        "UNKNOWN_PAYMENT_ERROR",
    ),
}
_STATUS_OF_CODE = {code: status for status, codes in _CODES_OF_STATUS.items() for code in codes}

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "ALREADY_CANCELED_PAYMENT": ("이미 모두 취소한 결제입니다.", "All of this payment is canceled already."),
    "ALREADY_PROCESSED_PAYMENT": ("이미 처리를 마친 결제입니다.", "This payment was processed before."),
    "BELOW_MINIMUM_AMOUNT": ("카드는 100원부터 결제할 수 있습니다.", "A card pays 100 won or more."),
    "DUPLICATED_ORDER_ID": (
        "이 주문번호로 이미 결제했습니다. 다른 주문번호를 쓰세요.",
        "This order is paid already: take another orderId.",
    ),
    "IDEMPOTENT_REQUEST_PROCESSING": (
        "같은 멱등키의 첫 요청을 아직 처리하고 있습니다.",
        "The first request with this idempotency key is still at work.",
    ),
    "INCORRECT_BASIC_AUTH_FORMAT": (
        "시크릿 키 뒤에 콜론을 붙여 인코딩하세요.",
        "Encode the secret key with a colon behind it.",
    ),
    "INVALID_IDEMPOTENCY_KEY": (
        "멱등키가 300자를 넘습니다.",
        "The idempotency key has more than 300 characters.",
    ),
    "INVALID_REQUEST": ("요청이 올바르지 않습니다.", "The request makes no sense."),
    "METHOD_NOT_ALLOWED": (
        "이 주소는 그런 메서드를 받지 않습니다.",
        "This address does not take that method.",
    ),
    "NOT_CANCELABLE_AMOUNT": (
        "취소할 수 있는 금액이 아닙니다.",
        "So much of the payment cannot be canceled.",
    ),
    "NOT_CANCELABLE_PAYMENT": (
        "취소할 수 있는 결제가 아닙니다.",
        "A payment in this state cannot be canceled.",
    ),
    "NOT_FOUND": ("이 주소에는 아무것도 없습니다.", "There is nothing at this address."),
    "NOT_FOUND_PAYMENT": ("그런 결제가 없습니다.", "There is no such payment."),
    "NOT_FOUND_PAYMENT_SESSION": (
        "인증한 적이 없거나 인증한 지 10분이 지난 결제입니다.",
        "The payment was not authenticated, or more than 10 minutes ago.",
    ),
    "REJECT_CARD_PAYMENT": (
        "카드의 한도를 넘었거나 잔액이 모자랍니다.",
        "The card is over its limit or out of funds.",
    ),
    "UNAUTHORIZED_KEY": ("인증할 수 없는 시크릿 키입니다.", "The secret key is not known here."),
}


class Refusal(Exception):
    """The gateway's rules refuse, for the reason that ``code`` names."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it is answered."""

    status: int
    code: str
    message: str


def fault(code: str, language: str) -> Fault:
    """The error of this code in a language, ``ko`` or ``en``. An unknown code has an error, too."""
    korean, english = _SENTENCES.get(
        code, (f"샌드박스가 흉내 낸 오류입니다: {code}", f"The sandbox was told to answer {code}.")
    )
    return Fault(_STATUS_OF_CODE.get(code, DEFAULT_STATUS), code, korean if language == "ko" else english)
