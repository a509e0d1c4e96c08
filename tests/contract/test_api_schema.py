"""The API under arbitrary input: whatever is sent, it is answered, or refused as the contract says."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.core.failures import FailureGroup

from jari.web.api.endpoints import Kind
from jari.web.api.openapi import document
from jari.web.api.table import TABLE
from support.connections import RawConnection, status_of
from support.databases import sqlite_in
from support.sandboxes import Sandbox
from support.servers import Server
from support.worlds import Buyer, Match, World

MANY = 1_000_000
BROKEN = str(Path(__file__).parents[1] / "support" / "broken_server.py")
MAY_END_SESSIONS = re.compile(r"/api/(log-|password)")


@dataclass(frozen=True)
class Target:
    server: Server
    world: World
    match: Match
    stage: Match  # what is sent without thinking does as it likes here
    buyer: Buyer  # who sends it
    reservation_id: int
    payment_id: int

    @property
    def ids(self) -> dict[str, int]:
        """What there is, by the parameter that names it."""
        return {
            "scheduleId": self.stage.id,
            "reservationId": self.reservation_id,
            "paymentId": self.payment_id,
        }


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server of its own: what is thrown at it would use up the attempts that others have, too."""
    directory = tmp_path_factory.mktemp("schema")
    url = sqlite_in(directory)
    sandbox = Sandbox(directory / "sandbox.log").start()
    server = Server(
        url,
        directory / "server.log",
        log_in_attempts_per_address=MANY,
        log_in_attempts_per_account=MANY,
        **sandbox.settings,
    ).start()
    world = World(url)
    match, stage, buyer = world.match(), world.match(), world.buyer()
    yield Target(server, world, match, stage, buyer, *bought(server, sandbox, stage, buyer))
    server.kill()
    sandbox.kill()
    world.close()


def bought(server: Server, sandbox: Sandbox, match: Match, buyer: Buyer) -> tuple[int, int]:
    """A reservation that is paid, and its payment."""
    with buyer.client(server.url) as client:
        held = {"seatIds": match.seat_ids[:1]}
        client.post(f"/api/matches/{match.id}/allocations", json=held).raise_for_status()
        made = client.post("/api/reservations", json={"scheduleId": match.id}).json()["data"]
        order, amount = made["orderId"], made["amount"]
        paid = {"orderId": order, "amount": amount, "paymentKey": sandbox.authenticate(order, amount)}
        sold = client.post("/api/payments/confirm", json=paid).raise_for_status().json()["data"]
    return sold["id"], sold["payment"]["id"]


DESCRIBED = document(TABLE, version("jari"))


def refuses_only_what_no_description_can_say(
    context: schemathesis.CheckContext, answer: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """What fits the description is taken, or refused under a code that says more than INVALID.

    Three rules have no words in a schema: which characters can be printed, that a whole number is written without a
    point, and that a bare list of seats needs a parameter.
    """
    if answer.status_code == 422 and answer.json()["code"] != "INVALID":
        return None
    leaves = list(leaves_of(case.body))
    if any(isinstance(each, float) or (isinstance(each, str) and not each.isprintable()) for each in leaves):
        return None
    if isinstance(case.body, list) and "scheduleId" not in case.query:
        return None
    return checks.positive_data_acceptance(context, answer, case)


def leaves_of(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves_of(each)
    else:
        yield value


CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    refuses_only_what_no_description_can_say,
]

schema = schemathesis.openapi.from_dict(DESCRIBED).exclude(path_regex="stream$")
schema.config.generation.update(with_security_parameters=False)  # every request brings the buyer's cookie


def test_the_server_describes_itself_so(target: Target) -> None:
    assert httpx.get(f"{target.server.url}/openapi.json").json() == json.loads(json.dumps(DESCRIBED))


@pytest.fixture
def client(target: Target) -> Iterator[httpx.Client]:
    with target.world.buyer().client(target.server.url) as client:
        yield client


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem, after checking that the refusal is one and of this status."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["code"]
    assert problem["detail"]
    return problem


@schema.parametrize()
@settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_whatever_is_sent_is_answered_as_described(case: schemathesis.Case, target: Target) -> None:
    if case.meta.generation.mode.is_positive:
        case.path_parameters.update(
            {name: target.ids[name] for name in target.ids.keys() & case.path_parameters}
        )
    buyer = target.world.buyer() if MAY_END_SESSIONS.match(case.path) else target.buyer
    case.call_and_validate(base_url=target.server.url, cookies=buyer.cookies, checks=CHECKS)


@pytest.fixture
def liar(make_server: Callable[..., Server], sqlite_url: str) -> Server:
    """A server that does not answer as its document says."""
    return make_server(sqlite_url, program=(BROKEN, "describing"))


@pytest.mark.parametrize(
    ("path", "ids"), [("/livez", {}), ("/api/matches/{scheduleId}", {"scheduleId": 2**40})]
)
def test_an_answer_outside_of_its_schema_is_found(
    target: Target, liar: Server, path: str, ids: dict[str, int]
) -> None:
    case = schema[path]["GET"].Case(path_parameters=ids)
    case.call_and_validate(base_url=target.server.url, checks=CHECKS[:5])
    with pytest.raises(FailureGroup, match="Response violates schema"):
        case.call_and_validate(base_url=liar.url, checks=CHECKS[:5])


STREAMS = [path for path in DESCRIBED["paths"] if path.endswith("stream")]


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("events=batch", 200),
        ("since=x", 200),
        ("since=&unheard-of=1", 200),
        ("events=", 422),
        ("events=all", 422),
        ("events=batch&events=all", 422),
    ],
)
def test_a_stream_takes_what_it_is_described_to_take(
    target: Target, client: httpx.Client, path: str, query: str, status: int
) -> None:
    place = path.format(scheduleId=target.match.id, blockId=target.match.block_id)
    with client.stream("GET", f"{place}?{query}") as answer:
        assert answer.status_code == status


DOCUMENTS = [path for row in TABLE if row.kind is Kind.DOCUMENT for path in row.paths]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_what_has_an_etag_is_described_as_not_sent_twice(
    target: Target, client: httpx.Client, path: str
) -> None:
    place = path.format(schedule=target.match.id, block=target.match.block_id)
    tag = client.get(place).headers["etag"]
    assert client.get(place, headers={"if-none-match": tag}).status_code == 304
    named = path.format(schedule="{scheduleId}", block="{blockId}")
    assert "304" in DESCRIBED["paths"][named]["get"]["responses"]


OPERATIONS = [(path, method) for path, methods in DESCRIBED["paths"].items() for method in methods]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("{method} {path}?{long} HTTP/1.1\r\n", 414),
        ("{method} {path} HTTP/1.1\r\nX: {long}\r\n", 431),
        ("{method} {path} HTTP/1.1\r\n no header\r\n\r\n", 400),
    ],
)
def test_every_address_is_described_with_what_any_request_may_meet(
    target: Target, head: str, status: int
) -> None:
    for path, method in OPERATIONS:
        with RawConnection(target.server) as connection:
            connection.send(head.format(method=method.upper(), path=path, long="x" * 40_000).encode())
            assert status_of(connection.read_to_the_end()) == status
        assert str(status) in DESCRIBED["paths"][path][method]["responses"], (method, path)


def test_every_address_is_described_with_what_a_slow_client_and_a_full_server_answer() -> None:
    for path, method in OPERATIONS:
        assert {"408", "503"} <= DESCRIBED["paths"][path][method]["responses"].keys(), (method, path)


BEYOND_63_BITS = 2**63
MANY_DIGITS = "9" * 5_000  # more than Python turns into a number
DEEP = b"[" * 30_000 + b"]" * 30_000

BODIES = {
    "nothing": b"",
    "a NUL byte": b"\x00",
    "null": b"null",
    "a bare list of ids": b"[1, 2]",
    "bytes that are not UTF-8": b'{"seatIds": ["\xff\xfe"]}',
    "UTF-16": '{"seatIds": [1]}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"seatIds": [1]}',
    "half a body": b'{"seatIds": [1,',
    "two bodies": b'{"seatIds": [1]}{"seatIds": [1]}',
    "half a surrogate pair": b'{"seatIds": ["\\ud800"]}',
    "a deep list": DEEP,
    "deep ids": b'{"seatIds": ' + DEEP + b"}",
    "no ids": b"{}",
    "null for ids": b'{"seatIds": null}',
    "an empty list": b'{"seatIds": []}',
    "text for ids": b'{"seatIds": "101"}',
    "text for an id": b'{"seatIds": ["101"]}',
    "null for an id": b'{"seatIds": [null]}',
    "true for an id": b'{"seatIds": [true]}',
    "a fraction": b'{"seatIds": [1.5]}',
    "a whole number with a point": b'{"seatIds": [1.0]}',
    "NaN": b'{"seatIds": [NaN]}',
    "an infinite number": b'{"seatIds": [1e400]}',
    "a negative id": b'{"seatIds": [-1]}',
    "the id 0": b'{"seatIds": [0]}',
    "an id beyond 63 bits": b'{"seatIds": [9223372036854775808]}',
    "an id beyond 64 bits": b'{"seatIds": [18446744073709551616]}',
    "an id below 64 bits": b'{"seatIds": [-9223372036854775809]}',
    "an id of many digits": b'{"seatIds": [%s]}' % MANY_DIGITS.encode(),
    "the same id twice": b'{"seatIds": [1, 1]}',
    "ten thousand ids": json.dumps({"seatIds": list(range(1, 10_001))}).encode(),
    "an unknown field": b'{"seatIds": [1], "price": 0}',
    "a list for the fields": b'{"seatIds": [1], "seatIds": {"$ne": 1}}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hold_with_a_body_that_makes_no_sense_is_refused(
    target: Target, client: httpx.Client, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/api/matches/{target.match.id}/allocations", content=body, headers=headers)
    refused(answer, 422)


@pytest.mark.parametrize("schedule_id", [0, -1, -(2**63), -(2**70), 2**63 - 1, 2**63, 2**70])
def test_a_booking_for_a_number_that_is_no_schedule_is_refused(
    client: httpx.Client, schedule_id: int
) -> None:
    body = {"scheduleId": schedule_id, "seats": [{"row": 1, "col": 1}]}
    refused(client.post("/api/bookings/start", json=body), 404)


@pytest.mark.parametrize(
    "seats",
    [
        [],
        [{"row": -1, "col": -1}],
        [{"row": 10**400, "col": 1}],
        [{"row": 1.5, "col": 1}],
        [{"row": "1", "col": 1}],
        [{"row": 1}],
        [{"row": 1, "col": 1}] * 2,
        [{"row": 1, "col": col % 10 + 1} for col in range(1_000)],
    ],
    ids=["none", "negative", "huge", "fraction", "text", "no column", "twice", "too many"],
)
def test_a_booking_of_seats_that_make_no_sense_is_refused(
    target: Target, client: httpx.Client, seats: list[dict[str, Any]]
) -> None:
    refused(client.post("/api/bookings/start", json={"scheduleId": target.match.id, "seats": seats}), 422)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "seatId=",
        "seatId=-1",
        "seatId=1.5",
        "seatId=one",
        "seatId=%00",
        "seatId=%ff",
        "seatId=1&seatId=1",
        f"seatId={BEYOND_63_BITS}",
        f"seatId={MANY_DIGITS}",
        f"seatId={'0' * 20}{MANY_DIGITS}",
        "seatId=%D9%A1",
    ],
    ids=lambda query: query[:24],
)
def test_a_release_of_what_is_no_seat_is_refused(target: Target, client: httpx.Client, query: str) -> None:
    refused(client.delete(f"/api/matches/{target.match.id}/allocations?{query}"), 422)


def test_a_release_of_thousands_of_seats_that_i_do_not_have_is_refused(
    target: Target, client: httpx.Client
) -> None:
    query = "&".join(f"seatId={seat_id}" for seat_id in range(1, 2_001))
    refused(client.delete(f"/api/matches/{target.match.id}/allocations?{query}"), 409)


@pytest.mark.parametrize(
    "number",
    ["-1", "0", str(BEYOND_63_BITS), "9" * 30, MANY_DIGITS, "1.5", "one", "%00", "%ff"],
    ids=lambda number: number[:24],
)
@pytest.mark.parametrize(
    "path", ["", "/seat-status", "/seats/stream", "/allocations", "/blocks/1/seats/status"]
)
def test_a_match_of_no_such_number_is_not_found(client: httpx.Client, number: str, path: str) -> None:
    refused(client.get(f"/api/matches/{number}{path}"), 404)


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=one",
        f"page={BEYOND_63_BITS}",
        f"page={MANY_DIGITS}",
        f"page={'0' * 19}1{MANY_DIGITS}",
        "limit=0",
        "limit=%00",
        "status=open",
        "status=%00",
        "status=%ff",
        "from=%00",
        "from=0000-00-00",
        "from=99999-01-01",
        "to=now",
    ],
    ids=lambda query: query[:24],
)
def test_a_list_by_what_makes_no_sense_is_refused(client: httpx.Client, query: str) -> None:
    refused(client.get(f"/api/matches?{query}"), 422)


@pytest.mark.parametrize(
    "query",
    [
        "page=9223372036854775807&limit=9223372036854775807",
        "from=0001-01-01T00:00:00%2B23:59",
        "to=9999-12-31T23:59:59-23:59",
        "x=" + "y" * 30_000,
        "&".join(f"x{number}=1" for number in range(2_500)),
    ],
    ids=["last page", "first moment", "last moment", "long", "many"],
)
def test_a_list_by_what_is_odd_but_possible_is_given(client: httpx.Client, query: str) -> None:
    assert client.get(f"/api/matches?{query}").status_code == 200


@pytest.mark.parametrize(
    "key",
    [b"", b"two words", b"tab\tbed", b"x" * 256, b"x" * 20_000, "자리".encode(), b"\xff"],
    ids=["empty", "two words", "a tab", "too long", "far too long", "Korean", "no UTF-8"],
)
def test_a_key_of_an_impossible_form_is_refused(target: Target, client: httpx.Client, key: bytes) -> None:
    path, body = f"/api/matches/{target.match.id}/allocations", {"seatIds": target.match.seat_ids[:1]}
    refused(client.post(path, json=body, headers={b"Idempotency-Key": key}), 422)
    assert client.get(path).json()["data"]["holds"] == []


@pytest.mark.parametrize("key", ["x" * 255, "';DROP/**/TABLE/**/users;--", "%00", "{}"])
def test_a_key_of_an_odd_but_possible_form_is_taken(target: Target, client: httpx.Client, key: str) -> None:
    path, body = f"/api/matches/{target.match.id}/allocations", {"seatIds": [target.match.seat_at[5, 5]]}
    answers = [client.post(path, json=body, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    client.delete(path, params={"seatId": body["seatIds"]}).raise_for_status()


STRINGS = {
    "a NUL": "a\0@example.com",
    "a line break": "a\r\nSet-Cookie: jari=x@example.com",
    "a quote": "'@example.com",
    "every plane": "\U0001f3df자리@example.com",
    "much": "x" * 50_000,
}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_odd_strings_in_a_log_in_are_wrong_credentials_like_any_other(
    request: pytest.FixtureRequest, make_server: Callable[..., Server], kind: str
) -> None:
    server = make_server(request.getfixturevalue(f"{kind}_url"))
    for text in STRINGS.values():
        for body in ({"email": text, "password": "x"}, {"email": "a@example.com", "password": text}):
            refused(httpx.post(f"{server.url}/api/log-in", json=body), 401)


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb", "\u202e", "x" * 101])
def test_a_name_that_cannot_be_shown_is_refused(client: httpx.Client, name: str) -> None:
    body = {"email": "odd@example.com", "password": "a seat in the sun", "name": name}
    refused(client.post("/api/sign-up", json=body), 422)


@pytest.mark.parametrize(
    "cookie", ["", "jari", "jari=", "jari=%00", 'jari="\\400"', "jari=" + "x" * 20_000, ";;=;"]
)
def test_an_odd_cookie_is_nobody(target: Target, cookie: str) -> None:
    refused(httpx.get(f"{target.server.url}/api/me", headers={"Cookie": cookie}), 401)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_an_address_does_not_take_is_refused(
    target: Target, client: httpx.Client, method: str
) -> None:
    headers = {"Content-Type": "application/json"}
    refused(client.request(method, f"/api/matches/{target.match.id}", headers=headers), 405)


def test_after_all_that_the_server_still_sells_seats(target: Target, client: httpx.Client) -> None:
    path, seat_ids = f"/api/matches/{target.match.id}/allocations", target.match.seat_ids[-2:]
    assert client.post(path, json={"seatIds": seat_ids}).status_code == 201
    assert client.delete(path, params={"seatId": seat_ids}).status_code == 200
