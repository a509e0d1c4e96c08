"""The OpenAPI description, made from the same types that requests are decoded with."""

from typing import Any

import msgspec

from jari.domain.payments import PaymentStatus, RefundStatus
from jari.domain.reservations import ReservationStatus
from jari.domain.schedules import SaleStatus
from jari.web.api.accounts import ChangePassword, LogIn, SignUp
from jari.web.api.holds import HoldSeats
from jari.web.api.payments import ConfirmPayment, Hint, RefundPayment
from jari.web.api.requests import Id, IdempotencyKey, Nothing
from jari.web.api.reservations import MakeReservation, Place, Places, StartBooking
from jari.web.api.tickets import CheckInTicket

REF = "#/components/schemas/{name}"
JSON = "application/json"
PROBLEM = "application/problem+json"
ANY_REQUEST = (400, 408, 414, 431, 503)  # may meet these: it arrives badly, or the server is full or ends


class Problem(msgspec.Struct, rename="camel"):
    """A refusal (RFC 9457). ``code`` is stable; ``seatIds`` names the seats that it is about.

    ``gatewayCode`` is the payment gateway's own word for why it refused.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    seat_ids: list[int] = []
    gateway_code: str = ""
    reservation_id: int = 0


BODIES = (
    SignUp, LogIn, ChangePassword, HoldSeats, MakeReservation, StartBooking, Place, Nothing, ConfirmPayment, RefundPayment,
    Hint, CheckInTicket, Problem,
)  # fmt: skip

ID = msgspec.json.schema(Id)
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
DAY_OR_TIME = {"anyOf": [{"type": "string", "format": "date"}, TIME]}
SEAT_IDS = {"type": "array", "items": ID}
CHOSEN_SEAT_IDS = {**SEAT_IDS, "minItems": 1, "uniqueItems": True}
SEAT_STATUS = {"type": "string", "enum": ["AVAILABLE", "HOLD", "OCCUPIED"]}


def document(version: str) -> dict[str, Any]:
    """The description as one JSON object (OpenAPI 3.1)."""
    _, components = msgspec.json.schema_components(BODIES, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jari",
            "version": version,
            "description": (
                "Reserved seats for a crowd: every change live, no seat sold twice. Unknown query parameters are "
                "ignored, unknown fields of a body are refused."
            ),
        },
        "paths": _paths(),
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "jari"}},
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for root in ("matches", "schedules"):
        paths |= _occasion_paths(f"/api/{root}")
    return paths | _account_paths() | _reservation_paths() | _payment_paths() | _operation_paths()


def _account_paths() -> dict[str, Any]:
    user = _object(id=ID, email=TEXT, name=TEXT, role={"type": "string"})
    ended = _object(endedSessions={"type": "integer", "minimum": 0})
    return {
        "/api/sign-up": {
            "post": _operation(
                "Make an account", user, status=201, body=SignUp, problems=(409, 422, 429), key=True
            )
        },
        "/api/log-in": {
            "post": _operation("Log in; sets the session cookie", user, body=LogIn, problems=(401, 422, 429))
        },
        "/api/log-out": {"post": _operation("End the session; send {}", _object(), body=Nothing)},
        "/api/log-out-everywhere": {
            "post": _operation(
                "End all sessions of mine; send {}", ended, body=Nothing, problems=(401,), session=True
            )
        },
        "/api/password": {
            "post": _operation(
                "Change my password; ends all other sessions of mine",
                ended,
                body=ChangePassword,
                problems=(401, 422, 429),
                session=True,
            )
        },
        "/api/me": {"get": _operation("Who am I", user, problems=(401,), session=True)},
    }


def _occasion_paths(root: str) -> dict[str, Any]:
    one, block = f"{root}/{{id}}", f"{root}/{{id}}/blocks/{{blockId}}/seats"
    occasion = _object(
        id=ID, kind=TEXT, title=TEXT, venueId=ID, venueName=TEXT, startsAt=TIME, opensAt=TIME,
        status={"type": "string", "enum": list(SaleStatus)}, seatCount=ID, maxSeats=ID, holdSeconds=ID,
    )  # fmt: skip
    items = {"type": "array", "items": occasion}
    anything: dict[str, Any] = {"type": "object"}
    filters = [
        _query("page", ID),
        _query("limit", ID),
        _query("status", {"type": "string", "enum": list(SaleStatus)}),
        _query("from", DAY_OR_TIME),
        _query("to", DAY_OR_TIME),
    ]
    return {
        root: {
            "get": _operation(
                "List occasions by start",
                _object(items=items, page=ID, pages=ID, total={"type": "integer"}),
                parameters=filters,
                problems=(422,),
            )
        },
        one: {
            "get": _operation(
                "One occasion with its venue", anything, parameters=[_path("id")], problems=(404,)
            )
        },
        **{
            f"{one}/{part}": {"get": _operation(summary, anything, parameters=[_path("id")], problems=(404,))}
            for part, summary in (
                ("sections", "The sections and their blocks"),
                ("blocks", "The blocks"),
                ("seats", "The whole layout in columns"),
            )
        },
        block: {
            "get": _operation(
                "The seats of a block", anything, parameters=_block_parameters(), problems=(404,)
            )
        },
        **_live_paths(one, block),
        f"{one}/allocations": _allocation_paths(),
    }


def _live_paths(one: str, block: str) -> dict[str, Any]:
    by_id = {"type": "array", "items": _object(id=ID, status=SEAT_STATUS)}
    by_place = {"type": "array", "items": _object(row=ID, col=ID, status=SEAT_STATUS)}
    version = {"type": "integer", "minimum": 0}
    return {
        f"{block}/status": {
            "get": _operation(
                "The status of each seat of a block",
                _object(version=version, seats=by_id),
                parameters=_block_parameters(),
                problems=(404,),
            )
        },
        f"{one}/seat-status": {
            "get": _operation(
                "Every seat that is not AVAILABLE",
                _object(version=version, seats=by_place),
                parameters=[_path("id")],
                problems=(404,),
            )
        },
        f"{block}/status-stream": {"get": _stream("A block's changes, live", _block_parameters())},
        f"{one}/seats/stream": {"get": _stream("A schedule's changes, live", [_path("id")])},
    }


def _allocation_paths() -> dict[str, Any]:
    held = _object(holdId=TEXT, seatIds=SEAT_IDS, expiresAt=TIME)
    mine = _object(holdId=TEXT, seatIds=SEAT_IDS, expiresAt={"type": ["string", "null"]})
    query = {"name": "seatId", "in": "query", "required": True, "schema": CHOSEN_SEAT_IDS, "explode": True}
    return {
        "get": _operation(
            "What I hold and have bought",
            _object(serverTime=TIME, holds={"type": "array", "items": mine}, occupied=SEAT_IDS),
            parameters=[_path("id")],
            problems=(401, 404),
            session=True,
        ),
        "post": _operation(
            "Hold seats, all or none",
            held,
            status=201,
            body=HoldSeats,
            parameters=[_path("id")],
            problems=(401, 404, 409, 422),
            session=True,
            key=True,
        ),
        "delete": _operation(
            "Release my held seats, all or none",
            _object(seatIds=SEAT_IDS),
            parameters=[_path("id"), query],
            problems=(401, 403, 404, 409, 413, 422),
            session=True,
        ),
    }


def _reservation_paths() -> dict[str, Any]:
    one, root = _reservation(), "/api/reservations/{id}"
    page = [_query("before", ID), _query("limit", ID)]
    pages = _object(items={"type": "array", "items": one}, next={"type": ["integer", "null"]})
    common = (401, 404, 409, 422)
    booking = _operation(
        "Hold seats named by row and column and reserve them, both or neither",
        one,
        status=201,
        body=StartBooking,
        parameters=[_query("scheduleId", ID)],
        problems=common,
        session=True,
        key=True,
    )
    (bare,), _ = msgspec.json.schema_components((Places,), ref_template=REF)
    schema = booking["requestBody"]["content"][JSON]
    schema["schema"] = {"oneOf": [schema["schema"], bare]}
    mine = _operation(
        "My reservations, newest first", pages, parameters=page, problems=(401, 422), session=True
    )
    make = _operation(
        "Reserve all that I hold",
        one,
        status=201,
        body=MakeReservation,
        problems=common,
        session=True,
        key=True,
    )
    look = _operation("One reservation", one, parameters=[_path("id")], problems=(401, 404), session=True)
    cancel = _operation(
        "Give up an unpaid reservation; send {}",
        one,
        body=Nothing,
        parameters=[_path("id")],
        problems=common,
        session=True,
    )
    everybodys = _operation(
        "The reservations of a schedule, for its organiser",
        pages,
        parameters=[_path("id"), *page],
        problems=(401, 403, 404, 422),
        session=True,
    )
    return {
        "/api/bookings/start": {"post": booking},
        "/api/reservations": {"get": mine, "post": make},
        root: {"get": look},
        f"{root}/cancel": {"post": cancel},
        **{f"/api/{kind}/{{id}}/reservations": {"get": everybodys} for kind in ("matches", "schedules")},
        **_ticket_paths(root),
    }


def _reservation() -> dict[str, Any]:
    amount = {"type": "integer", "minimum": 0}
    time_or_null, text_or_null = {"type": ["string", "null"]}, {"type": ["string", "null"]}
    seat = _object(
        id=ID, row=ID, col=ID, section=TEXT, block=TEXT, rowLabel=TEXT, seatLabel=TEXT, grade=TEXT,
        price=amount, refunded={"type": "boolean"}, checkedInAt=time_or_null,
    )  # fmt: skip
    payment = _object(
        id=ID, status={"type": "string", "enum": list(PaymentStatus)}, amount=amount, method=TEXT,
        code=text_or_null, message=text_or_null,
    )  # fmt: skip
    refund = _object(
        id=ID, amount=amount, status={"type": "string", "enum": list(RefundStatus)},
        seatIds={"type": "array", "items": ID}, requestedAt=TIME,
    )  # fmt: skip
    return _object(
        id=ID, status={"type": "string", "enum": list(ReservationStatus)}, orderId=TEXT, orderName=TEXT,
        amount=amount, currency=TEXT, scheduleId=ID, title=TEXT, venueName=TEXT, startsAt=TIME,
        createdAt=TIME, expiresAt=time_or_null, serverTime=TIME, seats={"type": "array", "items": seat},
        payment={"oneOf": [payment, {"type": "null"}]}, refunds={"type": "array", "items": refund},
        refundableUntil=time_or_null,
    )  # fmt: skip


def _payment_paths() -> dict[str, Any]:
    one = _reservation()
    confirm = _operation(
        "Charge a payment that the gateway has authenticated, and get the seats",
        one,
        body=ConfirmPayment,
        problems=(401, 402, 404, 409, 422),
        session=True,
        key=True,
    )
    confirm["responses"]["202"] = {
        "description": "It is not known yet whether money moved: look at the reservation in a moment",
        "content": {JSON: {"schema": _object(status={"const": 202}, data=one)}},
    }
    refund = _operation(
        "Give seats back for money: those named, or all",
        one,
        body=RefundPayment,
        parameters=[_path("id")],
        problems=(401, 404, 409, 422),
        session=True,
        key=True,
    )
    config = _operation(
        "What the checkout needs to know of the gateway",
        _object(gateway=TEXT, clientKey=TEXT, scriptUrl=TEXT),
        problems=(404,),
    )
    hint = _operation(
        "For the gateway: something happened, look",
        _object(),
        body=Hint,
        parameters=[_path("gateway", TEXT)],
        problems=(404,),
    )
    return {
        "/api/payments/config": {"get": config},
        "/api/payments/confirm": {"post": confirm},
        "/api/payments/{id}/cancel": {"post": refund},
        "/api/payments/webhook/{gateway}": {"post": hint},
    }


def _ticket_paths(root: str) -> dict[str, Any]:
    ticket = _object(
        seatId=ID, token=TEXT, usable={"type": "boolean"}, checkedInAt={"type": ["string", "null"]}
    )
    place = _object(
        reservationId=ID, scheduleId=ID, seatId=ID, section=TEXT, block=TEXT, rowLabel=TEXT, seatLabel=TEXT,
        checkedInAt=TIME,
    )  # fmt: skip
    tickets = _operation(
        "The tickets of a reservation, as signed codes",
        _object(items={"type": "array", "items": ticket}),
        parameters=[_path("id")],
        problems=(401, 404),
        session=True,
    )
    check_in = _operation(
        "Let a ticket's holder in, once; for organisers",
        place,
        body=CheckInTicket,
        problems=(401, 403, 404, 409, 422),
        session=True,
    )
    keys = _operation(
        "The public key that tickets are signed for",
        _object(keys={"type": "array", "items": {"type": "object"}}),
    )
    drawn = {
        f"{root}/tickets.pdf": ("All tickets to be printed", "application/pdf", [_path("id")]),
        f"{root}/tickets/{{seatId}}/qr.svg": (
            "One ticket's code as a picture", "image/svg+xml", [_path("id"), _path("seatId")],
        ),
    }  # fmt: skip
    return {
        f"{root}/tickets": {"get": tickets},
        "/api/tickets/check-in": {"post": check_in},
        "/api/tickets/keys": {"get": keys},
        **{path: {"get": _drawing(*about)} for path, about in drawn.items()},
    }


def _operation_paths() -> dict[str, Any]:
    figures = {
        "summary": "Figures for Prometheus",
        "responses": {"200": {"description": "Text"}, **_refusals()},
    }
    return {
        "/livez": {"get": _operation("Is the process alive", _object(alive={"type": "boolean"}))},
        "/readyz": {"get": _operation("Can it serve", _object(ready={"type": "boolean"}))},
        "/metrics": {"get": figures},
    }


def _operation(
    summary: str,
    data: dict[str, Any],
    *,
    status: int = 200,
    body: type | None = None,
    parameters: list[dict[str, Any]] | None = None,
    problems: tuple[int, ...] = (),
    session: bool = False,
    key: bool = False,
) -> dict[str, Any]:
    envelope = _object(status={"const": status}, data=data)
    answers = {
        str(status): {"description": "Done", "content": {JSON: {"schema": envelope}}},
        **_refusals(*problems, *((403, 413, 415, 422) if body else ())),
    }
    header = {"name": "Idempotency-Key", "in": "header", "schema": msgspec.json.schema(IdempotencyKey)}
    operation: dict[str, Any] = {
        "summary": summary,
        "parameters": [*(parameters or []), *([header] if key else [])],
        "responses": answers,
    }
    if body is not None:
        schema = {"$ref": REF.format(name=body.__name__)}
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if session:
        operation["security"] = [{"session": []}]
    return operation


def _drawing(summary: str, kind: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    operation = _operation(summary, {}, parameters=parameters, problems=(401, 404, 429), session=True)
    operation["responses"]["200"]["content"] = {kind: {"schema": {"type": "string"}}}
    return operation


def _refusals(*codes: int) -> dict[str, Any]:
    """These refusals, and those that any request may meet."""
    refusal = {
        "description": "Refused",
        "content": {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}},
    }
    return {str(code): refusal for code in sorted({*codes, *ANY_REQUEST})}


def _stream(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [
            *parameters,
            _query("events", {"type": "string", "enum": ["batch"]}),
            _query("since", TEXT),
        ],
        "responses": {
            "200": {"description": "Server-Sent Events", "content": {"text/event-stream": {"schema": TEXT}}},
            **_refusals(404, 422, 429),
        },
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _path(name: str, schema: dict[str, Any] = ID) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _block_parameters() -> list[dict[str, Any]]:
    return [_path("id"), _path("blockId")]


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}
