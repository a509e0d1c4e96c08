"""Which HTTP status each refusal has, and how it is written (RFC 9457). The only status table."""

import msgspec
import structlog
from starlette.responses import Response

from jari.domain import errors

log = structlog.get_logger()

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


class BadRequest(errors.Invalid):
    """The request itself cannot be read; carries its own status, since only HTTP knows of these."""

    def __init__(self, detail: str, *, status: int, code: str, title: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title


def status_of(error: errors.JariError) -> int:
    """The HTTP status of a refusal: its own class's, or that of the nearest class above it."""
    if isinstance(error, BadRequest):
        return error.status
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: errors.JariError) -> Response:
    """The answer to a refused request; it names the seats where the refusal is about seats."""
    status = status_of(error)
    body = {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.seat_ids:
        body["seatIds"] = error.seat_ids
    if isinstance(error, errors.PaymentRefused):
        body |= {"gatewayCode": error.gateway_code, "reservationId": error.reservation_id}
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_seconds:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Response(msgspec.json.encode(body), status, headers, media_type="application/problem+json")


def unexpected(error: Exception, path: str) -> Response:
    """The answer to a fault of ours: logged whole, told briefly."""
    log.error("request_failed", path=path, exc_info=error)
    fault = BadRequest(
        "Something went wrong here and it was recorded; nothing half done was kept. Try again in a moment.",
        status=500,
        code="INTERNAL_ERROR",
        title="Internal error",
    )
    return problem(fault)
