"""The OpenAPI description, made from the same types that requests are decoded with."""

from typing import Any

import msgspec

from jari.domain.schedules import SaleStatus
from jari.web.accounts import LogIn, SignUp
from jari.web.holds import HoldSeats
from jari.web.reservations import Place, StartBooking

REF = "#/components/schemas/{name}"
JSON = "application/json"
PROBLEM = "application/problem+json"


class Problem(msgspec.Struct, rename="camel"):
    """A refusal (RFC 9457). ``code`` is stable; ``seatIds`` names the seats that it is about."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    seat_ids: list[int] = []


BODIES = (SignUp, LogIn, HoldSeats, StartBooking, Place, Problem)

ID = {"type": "integer", "minimum": 1}
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
SEAT_STATUS = {"type": "string", "enum": ["AVAILABLE", "HOLD", "OCCUPIED"]}


def document(version: str) -> dict[str, Any]:
    """The description as one JSON object (OpenAPI 3.1)."""
    _, components = msgspec.json.schema_components(BODIES, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jari",
            "version": version,
            "description": "Reserved seats for a crowd: every change live, no seat sold twice.",
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
    return paths | _account_paths() | _booking_paths() | _operation_paths()


def _account_paths() -> dict[str, Any]:
    user = _object(id=ID, email=TEXT, name=TEXT, role={"type": "string"})
    return {
        "/api/sign-up": {
            "post": _operation(
                "Make an account", user, status=201, body=SignUp, problems=(409, 422, 429), key=True
            )
        },
        "/api/log-in": {
            "post": _operation("Log in; sets the session cookie", user, body=LogIn, problems=(401, 422, 429))
        },
        "/api/log-out": {"post": _operation("End the session; send {}", _object(), problems=(403, 415))},
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
        _query("from", TEXT),
        _query("to", TEXT),
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
    seat_ids = {"type": "array", "items": ID}
    held = _object(holdId=TEXT, seatIds=seat_ids, expiresAt=TIME)
    query = {"name": "seatId", "in": "query", "required": True, "schema": seat_ids, "explode": True}
    return {
        "get": _operation(
            "What I hold and have bought",
            _object(serverTime=TIME, holds={"type": "array", "items": held}, occupied=seat_ids),
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
            problems=(401, 404, 409, 422, 503),
            session=True,
            key=True,
        ),
        "delete": _operation(
            "Release my held seats, all or none",
            _object(seatIds=seat_ids),
            parameters=[_path("id"), query],
            problems=(401, 404, 409, 422, 503),
            session=True,
        ),
    }


def _booking_paths() -> dict[str, Any]:
    data = _object(holdId=TEXT, seatIds={"type": "array", "items": ID}, expiresAt=TIME, scheduleId=ID)
    operation = _operation(
        "Hold seats named by row and column, all or none",
        data,
        status=201,
        body=StartBooking,
        parameters=[_query("scheduleId", ID)],
        problems=(401, 404, 409, 422, 503),
        session=True,
        key=True,
    )
    bare = {"type": "array", "items": {"$ref": REF.format(name="Place")}}
    schema = operation["requestBody"]["content"][JSON]
    schema["schema"] = {"oneOf": [schema["schema"], bare]}
    return {"/api/bookings/start": {"post": operation}}


def _operation_paths() -> dict[str, Any]:
    figures = {"summary": "Figures for Prometheus", "responses": {"200": {"description": "Text"}}}
    return {
        "/livez": {"get": _operation("Is the process alive", _object(alive={"type": "boolean"}))},
        "/readyz": {"get": _operation("Can it serve", _object(ready={"type": "boolean"}), problems=(503,))},
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
    answers = {str(status): {"description": "Done", "content": {JSON: {"schema": envelope}}}}
    refusal = {"schema": {"$ref": REF.format(name="Problem")}}
    for code in sorted({*problems, *((403, 413, 415, 422) if body else ())}):
        answers[str(code)] = {"description": "Refused", "content": {PROBLEM: refusal}}
    header = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
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


def _stream(summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    refusal = {"schema": {"$ref": REF.format(name="Problem")}}
    return {
        "summary": summary,
        "parameters": [
            *parameters,
            _query("events", {"type": "string", "enum": ["batch"]}),
            _query("since", TEXT),
        ],
        "responses": {
            "200": {"description": "Server-Sent Events", "content": {"text/event-stream": {"schema": TEXT}}},
            "404": {"description": "Refused", "content": {PROBLEM: refusal}},
            "503": {"description": "Refused", "content": {PROBLEM: refusal}},
        },
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": ID}


def _block_parameters() -> list[dict[str, Any]]:
    return [_path("id"), _path("blockId")]


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}
