"""Whatever text the gateway sends, a refusal stays a refusal and a payment is settled: real sockets, both databases."""

import time
from collections.abc import Iterator

import httpx
import pytest

from jari.domain.payments import PaymentStatus
from support.databases import Postgres
from support.gateways import Said, TalkingGateway, said
from support.purchases import fresh_database
from support.servers import Server
from support.worlds import Match, World

AMOUNT = 30_000
REST_SECONDS = 20.0


class Shop:
    """One server that asks the talking gateway, and one buyer with two reserved seats."""

    def __init__(self, gateway: TalkingGateway, server: Server, world: World) -> None:
        self.gateway = gateway
        self.world = world
        self.match: Match = world.match()
        self.client = world.buyer().client(server.url)
        seats = {"seatIds": self.match.seat_ids[:2]}
        self.client.post(f"/api/matches/{self.match.id}/allocations", json=seats).raise_for_status()
        made = self.client.post("/api/reservations", json={"scheduleId": self.match.id})
        self.reservation = made.raise_for_status().json()["data"]
        self.payment_key = f"key-{self.reservation['orderId']}"

    def confirm(self) -> httpx.Response:
        body = {"paymentKey": self.payment_key, "orderId": self.reservation["orderId"], "amount": AMOUNT}
        return self.client.post("/api/payments/confirm", json=body)

    def look(self) -> dict:
        return self.client.get(f"/api/reservations/{self.reservation['id']}").json()["data"]

    def open_payment(self) -> tuple[PaymentStatus, str]:
        """The status of the payment in the store, and the gateway's last word."""
        (found,) = self.world.run(self.world.stores.reservations.of_schedule(self.match.id, None, 2))
        return found.payments[-1].status, found.payments[-1].code

    def payment(self, **changed: object) -> Said:
        """The gateway's record of the payment."""
        fields = {
            "paymentKey": self.payment_key,
            "orderId": self.reservation["orderId"],
            "status": "DONE",
            "totalAmount": AMOUNT,
            "balanceAmount": AMOUNT,
            "method": "카드",
            **changed,
        }
        return said(200, **fields)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TalkingGateway, Server, World]]:
    directory = tmp_path_factory.mktemp("texts")
    with fresh_database(request.param, directory, postgres) as url, TalkingGateway() as gateway:
        world = World(url)
        server = Server(url, directory / "server.log", **gateway.settings).start()
        yield gateway, server, world
        server.kill()
        world.close()


@pytest.fixture
def shop(place: tuple[TalkingGateway, Server, World]) -> Iterator[Shop]:
    shop = Shop(*place)
    yield shop
    shop.client.close()


def rejected(message: bytes) -> Said:
    return Said(403, b'{"code":"REJECT_CARD_COMPANY","message":%s}' % message)


REFUSALS = {
    "half a surrogate pair": rejected(rb'"no \ud83d"'),
    "the other half": rejected(rb'"no \udfdf"'),
    "two halves that do not fit": rejected(rb'"no \ud83d\ud83d\udfdf"'),
    "half a pair in a field that nobody reads": Said(403, rb'{"code":"REJECT_CARD_COMPANY","more":"\ud800"}'),
    "half a pair in UTF-8": rejected(b'"no \xed\xa0\xbd"'),
    "bytes that are not UTF-8": rejected('"거절"'.encode("euc-kr")),
    "a NUL": rejected(rb'"no \u0000"'),
    "a NUL that is not escaped": rejected(b'"no \x00"'),
    "a line break that is not escaped": rejected(b'"no\nreally"'),
    "no text": rejected(b"null"),
    "300,000 characters": rejected(b'"%s"' % (b"no" * 150_000)),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_stays_one_whatever_its_text_is(shop: Shop, refusal: Said) -> None:
    before = shop.look()["expiresAt"]
    shop.gateway.confirm = refusal
    shop.gateway.look_up = shop.payment(status="IN_PROGRESS")
    answer = shop.confirm()
    assert (answer.status_code, answer.json().get("code")) == (402, "PAYMENT_REFUSED"), answer.text[:500]
    assert answer.json()["gatewayCode"] == "REJECT_CARD_COMPANY"
    assert len(answer.content) < 2_000
    found = shop.look()
    assert (found["payment"]["status"], found["expiresAt"]) == ("FAILED", before)


TEXTS = {"a NUL": "card\0", "half a surrogate pair": "card\ud83d", "300,000 characters": "card" * 75_000}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_money_that_came_buys_the_seats_whatever_the_way_it_was_paid_is_called(shop: Shop, text: str) -> None:
    shop.gateway.confirm = shop.gateway.look_up = shop.payment(method=text)
    answer = shop.confirm()
    assert answer.status_code == 200, answer.text[:500]
    assert answer.json()["data"]["status"] == "CONFIRMED"
    assert len(answer.content) < 5_000


UNCLEAR = {
    "a NUL in a message": Said(400, rb'{"code":"PROVIDER_ERROR","message":"try \u0000 again"}'),
    "a NUL in a code": Said(400, rb'{"code":"WHAT\u0000","message":""}'),
    "half a pair in a code": Said(400, rb'{"code":"WHAT\ud83d","message":""}'),
    "a NUL in a status": Said(
        200, rb'{"paymentKey":"","orderId":"","status":"\u0000","totalAmount":1,"balanceAmount":1}'
    ),
}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_a_payment_left_open_with_an_odd_text_is_written_down_and_settled(shop: Shop, unclear: Said) -> None:
    shop.gateway.confirm = unclear
    shop.gateway.look_up = shop.payment(status="IN_PROGRESS")
    assert shop.confirm().status_code == 202
    assert shop.open_payment()[1] != ""  # what the gateway said is in the books
    shop.gateway.look_up = shop.payment()
    until = time.monotonic() + REST_SECONDS
    while shop.look()["status"] != "CONFIRMED":
        assert time.monotonic() < until, shop.look()
        time.sleep(0.05)
