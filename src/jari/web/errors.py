"""Which HTTP status each refusal has, and how a refusal is written (RFC 9457). The only status table."""

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from jari.domain import errors
from jari.web.replies import NO_STORE, PROBLEM, Reply

log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode

STATUS: dict[type[errors.JariError], int] = {
    errors.Invalid: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Unauthenticated: 401,
    errors.WrongCredentials: 401,
    errors.Forbidden: 403,
    errors.TooManyAttempts: 429,
    errors.PaymentRefused: 402,
    errors.Unavailable: 503,
}


# Remembered, since a flood meets the same few refusals.
_status_of_kind: dict[type[errors.JariError], int] = {}


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """A refusal (RFC 9457). ``code`` is stable; ``seatIds`` names the seats that it is about.

    ``gatewayCode`` is the payment gateway's own word for why it refused.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    seat_ids: tuple[int, ...] | UnsetType = UNSET
    gateway_code: str | UnsetType = UNSET
    reservation_id: int | UnsetType = UNSET


class BadRequest(errors.Invalid):
    """The request itself cannot be read. It carries its own status, since only HTTP knows such faults."""

    def __init__(self, detail: str, *, status: int, code: str, title: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title


def status_of_kind(kind: type[errors.JariError]) -> int:
    """The HTTP status of a class of refusals: its own, or that of the nearest class above it."""
    status = _status_of_kind.get(kind)
    if status is None:
        status = _status_of_kind[kind] = next(STATUS[each] for each in kind.__mro__ if each in STATUS)
    return status


def status_of(error: errors.JariError) -> int:
    """The HTTP status of a refusal."""
    kind = type(error)
    return _status_of_kind.get(kind) or (
        error.status if isinstance(error, BadRequest) else status_of_kind(kind)
    )


def problem(error: errors.JariError) -> Reply:
    """The answer to a refused request; it names the seats where the refusal is about seats."""
    status = status_of(error)
    refused = error if isinstance(error, errors.PaymentRefused) else None
    body = Problem(
        type=f"/docs/errors#{error.code}",
        title=error.title,
        status=status,
        detail=error.detail,
        code=error.code,
        seat_ids=error.seat_ids or UNSET,
        gateway_code=UNSET if refused is None else refused.gateway_code,
        reservation_id=UNSET if refused is None else refused.reservation_id,
    )
    headers = [NO_STORE, PROBLEM]
    if error.retry_after_seconds:
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    return Reply(status, headers, _encode(body))


def unexpected(error: Exception, path: str) -> Reply:
    """The answer to a fault of ours: logged whole, told briefly."""
    log.error("request_failed", path=path, exc_info=error)
    fault = BadRequest(
        "Something went wrong here and it was recorded; nothing half done was kept. Try again in a moment.",
        status=500,
        code="INTERNAL_ERROR",
        title="Internal error",
    )
    return problem(fault)
