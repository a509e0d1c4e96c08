"""Tickets: over HTTP, and verified with nothing but the public key."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pytest_bdd import given, scenarios, then, when
from sales import Sales
from scenes import Scene, data_of, problem_of, step

scenarios("tickets.feature")


@pytest.fixture
def keys() -> list[dict[str, str]]:
    """What whoever stands at a door without a network took along."""
    return []


def octets(text: str) -> bytes:
    """What base64url without padding writes (RFC 7515, 2)."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verified(code: str, keys: list[dict[str, str]]) -> dict[str, Any]:
    """The claims of a genuine ticket, by RFC 7515 and RFC 8037 alone.

    Raises:
        InvalidSignature: it is not genuine.
    """
    header, claims, signature = code.split(".")
    fields = json.loads(octets(header))
    (key,) = [each for each in keys if each["kid"] == fields["kid"]]
    assert (fields["alg"], key["kty"], key["crv"]) == ("EdDSA", "OKP", "Ed25519")
    public = Ed25519PublicKey.from_public_bytes(octets(key["x"]))
    public.verify(octets(signature), f"{header}.{claims}".encode())
    found: dict[str, Any] = json.loads(octets(claims))
    return found


def with_another_seat(code: str, seat_id: int) -> str:
    header, claims, signature = code.split(".")
    changed = json.dumps({**json.loads(octets(claims)), "seat": seat_id}, separators=(",", ":"))
    return f"{header}.{base64url(changed.encode())}.{signature}"


def signed_by_somebody_else(code: str) -> str:
    signed, _, _ = code.rpartition(".")
    return f"{signed}.{base64url(Ed25519PrivateKey.generate().sign(signed.encode()))}"


@when(step("NAME opens (?:OTHER's|the) ticket for SEATS as a picture"))
def somebody_opens_a_picture(scene: Scene, sales: Sales, name: str, other: str | None, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    scene.send(name, "GET", f"{sales.tickets_path(other or name)}/{seat_id}/qr.svg")


@when(step("NAME opens (?:OTHER's|the) tickets on paper"))
def somebody_opens_a_document(scene: Scene, sales: Sales, name: str, other: str | None) -> None:
    scene.send(name, "GET", f"{sales.tickets_path(other or name)}.pdf")


@given("the public key is fetched")
@when("the public key is fetched")
def the_key_is_fetched(scene: Scene, keys: list[dict[str, str]]) -> None:
    keys += data_of(httpx.get(f"{scene.url}/api/tickets/keys"))["keys"]


@when(step("somebody changes the ticket for (?P<seat>[0-9-]+) to SEATS"))
def a_ticket_is_changed(scene: Scene, sales: Sales, seat: str, seats: str) -> None:
    (old,), (new,) = scene.seat_ids(seat), scene.seat_ids(seats)
    sales.codes[old] = with_another_seat(sales.codes[old], new)


@when("the server is killed and started again")
def the_server_starts_again(scene: Scene) -> None:
    scene.house.server.kill()
    scene.house.server.start()


@when(step("NAME checks in the ticket for SEATS at the door of another match"))
def somebody_checks_in_elsewhere(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    elsewhere = scene.house.world.another_match(scene.match)
    body = {"token": sales.codes[seat_id], "scheduleId": elsewhere.id}
    scene.send(name, "POST", "/api/tickets/check-in", json=body)


@when(step("NAME checks in the ticket for SEATS at COUNT doors at once"))
def somebody_checks_in_at_once(scene: Scene, sales: Sales, name: str, seats: str, count: str) -> None:
    (seat_id,) = scene.seat_ids(seats)

    def check_in(_: int) -> httpx.Response:
        with scene.buyer(name).client(scene.url) as door:
            return door.post(
                "/api/tickets/check-in", json={"token": sales.codes[seat_id], "scheduleId": scene.match.id}
            )

    with ThreadPoolExecutor(int(count)) as pool:
        scene.answers[name] = list(pool.map(check_in, range(int(count))))


@when(step("NAME checks in the ticket for SEATS with another seat in it"))
def somebody_checks_in_a_changed_one(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    other = next(each for each in scene.match.seat_ids if each != seat_id)
    sales.check_in(name, with_another_seat(sales.codes[seat_id], other))


@when(step("NAME checks in the ticket for SEATS signed by somebody else"))
def somebody_checks_in_a_forged_one(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    sales.check_in(name, signed_by_somebody_else(sales.codes[seat_id]))


@when(step("NAME checks in the ticket for SEATS without its (?P<part>signature|last letter)"))
def somebody_checks_in_a_torn_one(scene: Scene, sales: Sales, name: str, seats: str, part: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    code = sales.codes[seat_id]
    sales.check_in(name, code.rpartition(".")[0] if part == "signature" else code[:-1])


@when(step("NAME checks in (?P<what>a shopping list|nothing)"))
def somebody_checks_in_no_ticket(sales: Sales, name: str, what: str) -> None:
    sales.check_in(name, "" if what == "nothing" else "milk. bread. eggs")


@then(step("NAME's tickets? for SEATS ha(?:s|ve)(?P<no> not)? been used"))
def tickets_have_been_used(scene: Scene, sales: Sales, name: str, seats: str, no: str | None) -> None:
    tickets = sales.tickets(name)
    shown = {each["id"]: each["checkedInAt"] for each in sales.shown(name)["seats"]}
    for seat_id in scene.seat_ids(seats):
        assert tickets[seat_id]["usable"] is bool(no)
        assert tickets[seat_id]["checkedInAt"] == shown[seat_id]
        assert (shown[seat_id] is None) is bool(no)


@then(step("NAME gets a (?P<what>picture|document), which nobody on the way keeps"))
def somebody_gets_a_document(scene: Scene, name: str, what: str) -> None:
    answer = scene.last(name)
    kind, begin = {"picture": ("image/svg+xml", b"<svg"), "document": ("application/pdf", b"%PDF-")}[what]
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert begin in answer.content[:200]
    assert answer.headers["cache-control"] == "no-store"


@then(step("the tickets for SEATS are found to be genuine, each for its seat"))
def tickets_are_genuine(scene: Scene, sales: Sales, keys: list[dict[str, str]], seats: str) -> None:
    for seat_id in scene.seat_ids(seats):
        claims = verified(sales.codes[seat_id], keys)
        assert (claims["rid"], claims["sid"]) == (sales.reservations["Minji"]["id"], scene.match.id)
        assert claims["seat"] == seat_id


@then(step("the ticket for SEATS is found to be forged"))
def a_ticket_is_forged(scene: Scene, sales: Sales, keys: list[dict[str, str]], seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    with pytest.raises(InvalidSignature):
        verified(sales.codes[seat_id], keys)


@then("the public key is the same as before")
def the_key_is_the_same(scene: Scene, keys: list[dict[str, str]]) -> None:
    assert data_of(httpx.get(f"{scene.url}/api/tickets/keys"))["keys"] == keys


@then(step("NAME is given the same ticket for SEATS"))
def somebody_is_given_the_same_ticket(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    (seat_id,) = scene.seat_ids(seats)
    assert sales.tickets(name)[seat_id]["token"] == sales.codes[seat_id]


@then(step("one door lets its holder in, and the others refuse: CODE"))
def one_door_lets_in(scene: Scene, code: str) -> None:
    refused = [each for each in scene.answers["Yuna"] if not each.is_success]
    assert len(scene.answers["Yuna"]) - len(refused) == 1
    for each in refused:
        problem_of(each, code)
