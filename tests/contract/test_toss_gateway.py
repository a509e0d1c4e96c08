"""The gateway's adapter, against the sandbox over a real socket."""

import asyncio
import itertools
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jari.adapters.payments.toss import MAX_ANSWER_BYTES, STANDINGS, TossGateway
from jari.domain.errors import Invalid
from jari.domain.gateways import Failed, Hint, Record, Refused, Returned, Standing
from jari.domain.payments import NoAnswer
from jari.ports.gateways import Gateway
from jari.settings import GatewaySettings
from support.sandboxes import SECRET_KEY, Sandbox
from support.servers import free_port

PATIENCE_SECONDS = 10.0
HURRY_SECONDS = 1.0
TOO_LATE_SECONDS = 60.0
AMOUNT = 30_000

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log").start()
    yield sandbox
    sandbox.kill()


@pytest.fixture(autouse=True)
def _behave_well(sandbox):
    yield
    sandbox.behave_well()


@pytest.fixture
async def connect(sandbox):
    """Makes gateways; all are closed at the end of the test."""
    made: list[TossGateway] = []

    def make(url=sandbox.url, secret_key=SECRET_KEY, timeout_seconds=PATIENCE_SECONDS, **options):
        told = {"client_key": "test_ck_x", "timeout_seconds": timeout_seconds, **options}
        made.append(TossGateway(GatewaySettings("toss", url, secret_key, **told)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
async def gateway(connect) -> Gateway:
    return connect()


class Order:
    """An order of its own for each test, authenticated by its buyer."""

    def __init__(self, sandbox: Sandbox, card: str = "good") -> None:
        self.number = next(numbers)
        self.id = f"order-{self.number:05}"
        self.payment_key = sandbox.authenticate(self.id, AMOUNT, card)
        self._keys = itertools.count(1)

    def new_key(self) -> str:
        return f"{self.id}-{next(self._keys)}"

    def confirm(self, gateway: Gateway, key: str | None = None, **instead):
        call = {"payment_key": self.payment_key, "order_id": self.id, "amount": AMOUNT, **instead}
        return gateway.confirm(**call, idempotency_key=key or self.new_key())

    def cancel(self, gateway: Gateway, amount: int, reason: str = "the buyer asked", key: str | None = None):
        return gateway.cancel(
            payment_key=self.payment_key, amount=amount, reason=reason, idempotency_key=key or self.new_key()
        )


@pytest.fixture
def order(sandbox) -> Order:
    return Order(sandbox)


def eventually(ask: Callable, expected: object) -> None:
    """Ask until it is so. The sandbox is another process, so nothing here has to go on meanwhile."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (answer := ask()) != expected:
        assert time.monotonic() < until, answer
        time.sleep(0.02)


async def refusal(call) -> str:
    said = await call
    assert isinstance(said, Refused)
    return said.code


async def doubt(call) -> tuple[str, type]:
    """The code, and which of the two kinds of doubt it is."""
    said = await call
    assert isinstance(said, Failed | NoAnswer)
    return said.code, type(said)


# ── what goes well ───────────────────────────────────────────────────────────────────────────────


async def test_a_confirmed_payment_is_done_and_charged_once(sandbox, gateway, order):
    payment = await order.confirm(gateway)
    assert payment == Record(
        order.payment_key, order.id, Standing.TAKEN, "DONE", AMOUNT, AMOUNT, method="카드"
    )
    assert sandbox.payment(order.id)["charges"] == 1


async def test_a_payment_is_found_by_its_key(gateway, order):
    assert (await gateway.look_up(order.payment_key)).standing is Standing.OPEN
    done = await order.confirm(gateway)
    assert await gateway.look_up(order.payment_key) == done


async def test_a_payment_that_nobody_made_is_none(gateway):
    assert await gateway.look_up("no_such_payment") is None


@pytest.mark.parametrize("key", ["", ".", "..", "../orders/order-00001", "a b", "키", "a" * 201, "a\n"])
async def test_a_key_that_no_payment_can_have_is_not_even_sent(connect, key):
    nowhere = connect(url=f"http://127.0.0.1:{free_port()}")
    assert await nowhere.look_up(key) is None
    confirm = nowhere.confirm(payment_key=key, order_id="order-1", amount=AMOUNT, idempotency_key="k")
    assert await refusal(confirm) == "INVALID_REQUEST"
    cancel = nowhere.cancel(payment_key=key, amount=AMOUNT, reason="r", idempotency_key="k")
    assert await refusal(cancel) == "INVALID_REQUEST"


async def test_a_whole_cancel_gives_everything_back(gateway, order):
    await order.confirm(gateway)
    payment = await order.cancel(gateway, AMOUNT)
    assert (payment.standing, payment.balance) == (Standing.ENDED, 0)
    assert payment.returns == (Returned(AMOUNT, "the buyer asked"),)
    assert await refusal(order.cancel(gateway, AMOUNT)) == "ALREADY_CANCELED_PAYMENT"


async def test_partial_cancels_add_up_and_end_with_nothing_left(gateway, order):
    await order.confirm(gateway)
    first = await order.cancel(gateway, 10_000, "one seat")
    assert (first.word, first.standing, first.balance) == ("PARTIAL_CANCELED", Standing.TAKEN, 20_000)
    last = await order.cancel(gateway, 20_000, "두 자리")
    assert last.returns == (Returned(10_000, "one seat"), Returned(20_000, "두 자리"))
    # Not CANCELED: the gateway was seen to leave it so. The balance tells.
    assert (last.word, last.balance) == ("PARTIAL_CANCELED", 0)
    assert await refusal(order.cancel(gateway, 1)) == "NOT_CANCELABLE_AMOUNT"


async def test_nobody_gets_more_back_than_was_paid(sandbox, gateway, order):
    await order.confirm(gateway)
    await order.cancel(gateway, 20_000)
    assert await refusal(order.cancel(gateway, 10_001)) == "NOT_CANCELABLE_AMOUNT"
    assert sandbox.payment(order.id)["balanceAmount"] == 10_000


async def test_what_was_never_charged_cannot_be_given_back(gateway, order):
    assert await refusal(order.cancel(gateway, AMOUNT)) == "NOT_CANCELABLE_PAYMENT"


@pytest.mark.parametrize("reason", ["", "가" * 201])
async def test_a_reason_that_the_gateway_would_not_take_is_not_even_sent(connect, order, reason):
    nowhere = connect(url=f"http://127.0.0.1:{free_port()}")
    assert await refusal(order.cancel(nowhere, AMOUNT, reason)) == "INVALID_REQUEST"


async def test_a_reason_may_be_long(gateway, order):
    await order.confirm(gateway)
    assert (await order.cancel(gateway, AMOUNT, "가" * 200)).returns == (Returned(AMOUNT, "가" * 200),)


# ── what the gateway refuses ─────────────────────────────────────────────────────────────────────


async def test_a_rejected_card_is_a_refusal_and_ends_the_payment(sandbox, gateway):
    order = Order(sandbox, "rejected")
    assert await refusal(order.confirm(gateway)) == "REJECT_CARD_PAYMENT"
    assert (await gateway.look_up(order.payment_key)).word == "ABORTED"
    assert sandbox.payment(order.id)["charges"] == 0


async def test_a_wrong_amount_or_order_is_not_charged(sandbox, gateway, order):
    assert await refusal(order.confirm(gateway, amount=AMOUNT - 1)) == "INVALID_REQUEST"
    assert await refusal(order.confirm(gateway, order_id="another-order")) == "NOT_FOUND_PAYMENT_SESSION"
    assert sandbox.payment(order.id)["charges"] == 0


async def test_a_payment_that_nobody_authenticated_is_not_charged(gateway, order):
    confirm = order.confirm(gateway, payment_key="no_such_payment")
    assert await refusal(confirm) == "NOT_FOUND_PAYMENT_SESSION"


def codes(table: str) -> list[str]:
    return table.split()


# The tables of https://docs.tosspayments.com/reference/error-codes for the confirm and the cancel of a payment,
# written down here a second time: where the two differ, a test fails.
REFUSING_CONFIRM = codes("""
    INVALID_REQUEST INVALID_API_KEY INVALID_AUTHORIZE_AUTH INVALID_UNREGISTERED_SUBMALL INVALID_IDEMPOTENCY_KEY
    INVALID_REJECT_CARD INVALID_CARD_EXPIRATION INVALID_STOPPED_CARD INVALID_CARD_INSTALLMENT_PLAN
    INVALID_CARD_LOST_OR_STOLEN INVALID_CARD_NUMBER INVALID_ACCOUNT_INFO_RE_REGISTER INVALID_PASSWORD
    EXCEED_MAX_CARD_INSTALLMENT_PLAN EXCEED_MAX_DAILY_PAYMENT_COUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_AMOUNT
    EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT
    EXCEED_MAX_AUTH_COUNT EXCEED_MAX_ONE_DAY_AMOUNT BELOW_MINIMUM_AMOUNT NOT_ALLOWED_POINT_USE
    NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN NOT_FOUND_TERMINAL_ID
    NOT_REGISTERED_BUSINESS RESTRICTED_TRANSFER_ACCOUNT REJECT_ACCOUNT_PAYMENT REJECT_CARD_PAYMENT
    REJECT_CARD_COMPANY REJECT_TOSSPAY_INVALID_ACCOUNT FDS_ERROR UNAUTHORIZED_KEY FORBIDDEN_REQUEST
    INCORRECT_BASIC_AUTH_FORMAT NOT_FOUND_PAYMENT NOT_FOUND_PAYMENT_SESSION
""")
UNCERTAIN_CONFIRM = codes("""
    ALREADY_PROCESSED_PAYMENT ALREADY_PROCESSING_REQUEST PROVIDER_ERROR CARD_PROCESSING_ERROR UNAPPROVED_ORDER_ID
    NOT_AVAILABLE_PAYMENT NOT_AVAILABLE_BANK FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING
    FAILED_INTERNAL_SYSTEM_PROCESSING UNKNOWN_PAYMENT_ERROR DUPLICATED_ORDER_ID A_CODE_THAT_NOBODY_KNOWS
""")
REFUSING_CANCEL = codes("""
    ALREADY_CANCELED_PAYMENT ALREADY_REFUND_PAYMENT INVALID_REFUND_ACCOUNT_INFO INVALID_REFUND_ACCOUNT_NUMBER
    INVALID_BANK INVALID_REQUEST INVALID_IDEMPOTENCY_KEY EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT EXCEED_CANCEL_LIMIT
    EXCEED_MAX_REFUND_DUE REFUND_REJECTED FORBIDDEN_BANK_REFUND_REQUEST NOT_CANCELABLE_AMOUNT
    NOT_CANCELABLE_PAYMENT NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER NOT_ALLOWED_PARTIAL_REFUND
    NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT NOT_FOUND_PAYMENT
""")
UNCERTAIN_CANCEL = codes("""
    PROVIDER_ERROR NOT_MATCHES_REFUNDABLE_AMOUNT FORBIDDEN_CONSECUTIVE_REQUEST NOT_AVAILABLE_BANK COMMON_ERROR
    UNAUTHORIZED_KEY FORBIDDEN_REQUEST INCORRECT_BASIC_AUTH_FORMAT FAILED_INTERNAL_SYSTEM_PROCESSING
    FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL FAILED_PARTIAL_REFUND
    FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING A_CODE_THAT_NOBODY_KNOWS
""")
UNCERTAIN_GET = codes("""
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT UNAUTHORIZED_KEY FORBIDDEN_CONSECUTIVE_REQUEST
    INCORRECT_BASIC_AUTH_FORMAT NOT_FOUND FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING REJECT_CARD_PAYMENT
""")


def any_confirm(gateway):
    return gateway.confirm(payment_key="a_key", order_id="any-order", amount=AMOUNT, idempotency_key="a-key")


def any_cancel(gateway):
    return gateway.cancel(payment_key="a_key", amount=AMOUNT, reason="any", idempotency_key="a-key")


def any_look_up(gateway):
    return gateway.look_up("a_key")


@pytest.mark.parametrize("code", REFUSING_CONFIRM)
async def test_these_errors_of_a_confirm_mean_that_nothing_was_charged(connect, code):
    assert await refusal(any_confirm(connect(test_code=code))) == code


@pytest.mark.parametrize("code", UNCERTAIN_CONFIRM)
async def test_these_errors_of_a_confirm_leave_open_what_happened(connect, code):
    assert await doubt(any_confirm(connect(test_code=code))) == (code, Failed)


@pytest.mark.parametrize("code", REFUSING_CANCEL)
async def test_these_errors_of_a_cancel_mean_that_it_gave_nothing_back(connect, code):
    assert await refusal(any_cancel(connect(test_code=code))) == code


@pytest.mark.parametrize("code", UNCERTAIN_CANCEL)
async def test_these_errors_of_a_cancel_leave_open_what_happened(connect, code):
    assert await doubt(any_cancel(connect(test_code=code))) == (code, Failed)


@pytest.mark.parametrize("code", UNCERTAIN_GET)
async def test_no_error_of_a_look_up_means_that_there_is_no_payment_but_one(connect, order, code):
    gateway = connect(test_code=code)
    assert await doubt(gateway.look_up(order.payment_key)) == (code, NoAnswer)


async def test_a_test_code_changes_nothing(sandbox, connect, gateway, order):
    await doubt(order.confirm(connect(test_code="PROVIDER_ERROR"), "one-key-for-both"))
    assert (await gateway.look_up(order.payment_key)).standing is Standing.OPEN
    assert (await order.confirm(gateway, "one-key-for-both")).standing is Standing.TAKEN


async def test_a_wrong_secret_key_charges_nothing_and_finds_nothing_out(connect, order):
    stranger = connect(secret_key="test_sk_of_somebody_else")
    assert await refusal(order.confirm(stranger)) == "UNAUTHORIZED_KEY"
    assert await doubt(stranger.look_up(order.payment_key)) == ("UNAUTHORIZED_KEY", NoAnswer)


# ── what nobody knows ────────────────────────────────────────────────────────────────────────────


async def test_a_call_that_was_lost_on_its_way_may_be_repeated_under_its_key(sandbox, gateway, order):
    sandbox.behave("confirm", orderId=order.id, drop="before")
    key = order.new_key()
    assert await doubt(order.confirm(gateway, key)) == ("NO_ANSWER", NoAnswer)
    assert (await gateway.look_up(order.payment_key)).standing is Standing.OPEN
    assert (await order.confirm(gateway, key)).standing is Standing.TAKEN


async def test_an_answer_that_was_lost_on_its_way_is_given_again_under_its_key(sandbox, gateway, order):
    sandbox.behave("confirm", orderId=order.id, drop="after")
    key = order.new_key()
    assert await doubt(order.confirm(gateway, key)) == ("NO_ANSWER", NoAnswer)
    found = await gateway.look_up(order.payment_key)
    assert found.standing is Standing.TAKEN
    assert await order.confirm(gateway, key) == found
    assert sandbox.payment(order.id)["charges"] == 1


async def test_the_answer_to_a_cancel_that_was_lost_is_given_again_under_its_key(sandbox, gateway, order):
    await order.confirm(gateway)
    sandbox.behave("cancel", orderId=order.id, drop="after")
    key = order.new_key()
    assert await doubt(order.cancel(gateway, 10_000, key=key)) == ("NO_ANSWER", NoAnswer)
    again = await order.cancel(gateway, 10_000, key=key)
    assert (len(again.returns), again.balance) == (1, 20_000)


async def test_a_look_up_that_gets_no_answer_says_nothing(sandbox, gateway, order):
    sandbox.behave("get", orderId=order.id, drop="before", times=4)
    assert await doubt(gateway.look_up(order.payment_key)) == ("NO_ANSWER", NoAnswer)
    assert await doubt(gateway.look_up(order.payment_key)) == ("NO_ANSWER", NoAnswer)
    assert await gateway.look_up(order.payment_key) is not None


async def test_a_look_up_whose_connection_is_lost_is_asked_once_more(sandbox, gateway, order):
    """An idle connection may be closed at the very moment; a look-up changes nothing, so it may be repeated."""
    sandbox.behave("get", orderId=order.id, drop="before")
    assert await gateway.look_up(order.payment_key) is not None


async def test_an_answer_that_comes_too_late_leaves_a_charge_to_be_found(sandbox, connect, gateway, order):
    sandbox.behave("confirm", orderId=order.id, delaySeconds=TOO_LATE_SECONDS, delayed="after")
    confirm = order.confirm(connect(timeout_seconds=HURRY_SECONDS))
    assert await doubt(confirm) == ("NO_ANSWER", NoAnswer)
    eventually(lambda: sandbox.payment(order.id)["status"], "DONE")
    assert (await gateway.look_up(order.payment_key)).standing is Standing.TAKEN


async def test_a_card_whose_company_does_not_answer_is_charged_all_the_same(sandbox, connect, gateway):
    order = Order(sandbox, "slow")
    confirm = order.confirm(connect(timeout_seconds=HURRY_SECONDS))
    assert await doubt(confirm) == ("NO_ANSWER", NoAnswer)
    eventually(lambda: sandbox.payment(order.id)["charges"], 1)


async def test_while_the_first_call_runs_the_same_key_gets_no_answer(sandbox, connect, gateway, order):
    sandbox.behave("confirm", orderId=order.id, delaySeconds=TOO_LATE_SECONDS)
    key = order.new_key()
    await doubt(order.confirm(connect(timeout_seconds=HURRY_SECONDS), key))
    eventually(sandbox.waiting_behaviours, [])
    assert await doubt(order.confirm(gateway, key)) == ("IDEMPOTENT_REQUEST_PROCESSING", NoAnswer)
    assert (await gateway.look_up(order.payment_key)).standing is Standing.OPEN


async def test_an_error_is_answered_again_under_its_key_and_only_a_new_one_gets_through(
    sandbox, gateway, order
):
    sandbox.behave("confirm", orderId=order.id, code="PROVIDER_ERROR")
    key = order.new_key()
    for _ in range(3):
        assert await doubt(order.confirm(gateway, key)) == ("PROVIDER_ERROR", Failed)
    assert (await order.confirm(gateway, order.new_key())).standing is Standing.TAKEN


async def test_of_many_confirms_at_once_under_many_keys_one_charges(sandbox, gateway, order):
    answers = await asyncio.gather(*(order.confirm(gateway) for _ in range(20)))
    others = [each for each in answers if not isinstance(each, Record)]
    assert len(others) == 19
    assert {(each.code, type(each)) for each in others} == {("ALREADY_PROCESSED_PAYMENT", Failed)}
    assert sandbox.payment(order.id)["charges"] == 1


async def test_of_many_cancels_at_once_under_one_key_one_gives_back(sandbox, gateway, order):
    await order.confirm(gateway)
    answers = await asyncio.gather(*(order.cancel(gateway, 10_000, key="one-key") for _ in range(20)))
    kinds = {each.balance if isinstance(each, Record) else each.code for each in answers}
    assert 20_000 in kinds
    assert kinds <= {20_000, "IDEMPOTENT_REQUEST_PROCESSING"}
    assert sandbox.payment(order.id)["balanceAmount"] == 20_000


async def test_a_second_payment_of_one_order_is_not_charged(sandbox, gateway, order):
    second_key = sandbox.authenticate(order.id, AMOUNT)
    done = await order.confirm(gateway)
    confirm = order.confirm(gateway, payment_key=second_key)
    assert await doubt(confirm) == ("DUPLICATED_ORDER_ID", Failed)
    assert await gateway.look_up(order.payment_key) == done
    charges = [each["charges"] for each in sandbox.ledger() if each["orderId"] == order.id]
    assert charges == [1, 0]


async def test_a_gateway_that_is_not_there_leaves_everything_open(connect, order):
    nowhere = connect(url=f"http://127.0.0.1:{free_port()}")
    assert await doubt(order.confirm(nowhere)) == ("NO_ANSWER", NoAnswer)
    assert await doubt(order.cancel(nowhere, AMOUNT)) == ("NO_ANSWER", NoAnswer)
    assert await doubt(nowhere.look_up(order.payment_key)) == ("NO_ANSWER", NoAnswer)


async def test_a_gateway_that_dies_at_work_leaves_everything_open(tmp_path, connect):
    dying = Sandbox(tmp_path / "dying.log").start()
    order = Order(dying)
    gateway = connect(url=dying.url)
    dying.behave("confirm", delaySeconds=TOO_LATE_SECONDS)
    confirm = asyncio.create_task(doubt(order.confirm(gateway)))
    await asyncio.to_thread(eventually, dying.waiting_behaviours, [])
    dying.kill()
    assert await confirm == ("NO_ANSWER", NoAnswer)


async def test_waiting_for_a_connection_counts_as_waiting(sandbox, connect, order):
    sandbox.behave("get", delaySeconds=TOO_LATE_SECONDS, times=2)
    narrow = connect(timeout_seconds=HURRY_SECONDS, connections=1)
    answers = await asyncio.gather(*(doubt(narrow.look_up(order.payment_key)) for _ in range(2)))
    assert answers == [("NO_ANSWER", NoAnswer)] * 2


async def test_calls_that_were_given_up_leave_their_connections_usable(sandbox, connect, order):
    sandbox.behave("get", delaySeconds=TOO_LATE_SECONDS, times=4)
    narrow = connect(timeout_seconds=HURRY_SECONDS, connections=2)
    for _ in range(4):
        await doubt(narrow.look_up(order.payment_key))
    assert (await narrow.look_up(order.payment_key)).order_id == order.id


# ── answers that no gateway should give ──────────────────────────────────────────────────────────

PAYMENT = {
    "paymentKey": "a_key",
    "orderId": "order-1",
    "status": "DONE",
    "totalAmount": AMOUNT,
    "balanceAmount": AMOUNT,
    "method": "카드",
    "currency": "KRW",
    "cancels": None,
}


def answer_of(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def payment_with(**fields: object) -> bytes:
    return answer_of(200, msgspec.json.encode(PAYMENT | fields))


@pytest.fixture
async def say(connect):
    """Makes gateways that answer every call with the same bytes."""
    servers: list[asyncio.Server] = []

    async def make(answer: bytes, heard: list[bytes] | None = None, **options):
        async def speak(reader, writer):
            head = await reader.readuntil(b"\r\n\r\n")
            if heard is not None:
                heard.append(head)
            writer.write(answer)
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(speak, "127.0.0.1", 0))
        host, port = servers[-1].sockets[0].getsockname()
        return connect(url=f"http://{host}:{port}", **options)

    yield make
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(200, b"<html>"),
        answer_of(200, b"\xff"),
        answer_of(200, b"{}"),
        answer_of(200, b"[" * 100_000),
        answer_of(502, b"<html>Bad gateway</html>"),
        answer_of(404, b"<html>Not found</html>"),
        answer_of(404, b'{"error": "no such route"}'),
        answer_of(302, b"", "Location: /v1/payments/elsewhere"),
        answer_of(400, b'{"code": 5}'),
        payment_with(status="A_STATUS_THAT_NOBODY_KNOWS"),
        payment_with(totalAmount="30000"),
        payment_with(balanceAmount=-1),
        payment_with(currency="USD"),
        answer_of(200, msgspec.json.encode(PAYMENT) + b" " * MAX_ANSWER_BYTES),
        answer_of(200, b"{}", "Content-Encoding: gzip"),
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=lambda answer: answer[:40].decode(errors="replace").partition("\r")[0] or "nothing",
)
async def test_what_cannot_be_understood_leaves_everything_open(say, answer):
    gateway = await say(answer)
    for call in (any_confirm, any_cancel, any_look_up):
        code, kind = await doubt(call(gateway))
        assert code in {"NO_ANSWER", "UNREADABLE_ANSWER"}
        assert kind is NoAnswer


async def test_a_redirect_is_not_followed_with_the_key_in_hand(sandbox, say, order):
    location = f"Location: {sandbox.url}/v1/payments/{order.payment_key}"
    gateway = await say(answer_of(307, b"", location))
    assert await doubt(gateway.look_up(order.payment_key)) == ("UNREADABLE_ANSWER", NoAnswer)


async def test_a_refusal_counts_whatever_its_http_status(say):
    gateway = await say(answer_of(500, b'{"code": "REJECT_CARD_COMPANY", "message": "no"}'))
    assert await any_confirm(gateway) == Refused("REJECT_CARD_COMPANY", "no")


async def test_not_found_counts_only_as_a_404(say):
    gateway = await say(answer_of(400, b'{"code": "NOT_FOUND_PAYMENT", "message": ""}'))
    assert await doubt(gateway.look_up("a_key")) == ("NOT_FOUND_PAYMENT", NoAnswer)


# Every status of https://docs.tosspayments.com/reference#payment-객체, once more.
MEANINGS = {
    Standing.OPEN: ["READY", "IN_PROGRESS"],
    Standing.PROMISED: ["WAITING_FOR_DEPOSIT"],
    Standing.TAKEN: ["DONE", "PARTIAL_CANCELED"],
    Standing.ENDED: ["CANCELED", "ABORTED", "EXPIRED"],
}


@pytest.mark.parametrize(
    ("status", "standing"), [(word, standing) for standing, words in MEANINGS.items() for word in words]
)
async def test_every_status_is_translated(say, status, standing):
    gateway = await say(payment_with(status=status, method=None))
    payment = await any_confirm(gateway)
    assert (payment.standing, payment.word, payment.method) == (standing, status, "")


def test_no_status_is_left_out():
    assert sorted(STANDINGS) == sorted(word for words in MEANINGS.values() for word in words)


@pytest.fixture(scope="module")
def secured(tmp_path_factory) -> ssl.SSLContext:
    """What a server needs that has a certificate which nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*pem) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_gateway_whose_certificate_nobody_has_signed_is_told_nothing(connect, secured):
    heard = []

    async def listen(reader, writer):
        heard.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=secured) as server:
        port = server.sockets[0].getsockname()[1]
        gateway = connect(url=f"https://localhost:{port}")
        assert await doubt(any_confirm(gateway)) == ("NO_ANSWER", NoAnswer)
        assert heard == []


async def test_the_proxy_that_the_environment_names_is_used(monkeypatch, connect, say):
    proxy = await say(payment_with(), heard := [])
    monkeypatch.setenv("http_proxy", proxy._url.removesuffix("/v1/payments"))
    assert (await any_confirm(connect(url="http://gateway.test"))).order_id == "order-1"
    assert heard[0].startswith(b"POST http://gateway.test/v1/payments/confirm HTTP/1.1")
    monkeypatch.setenv("no_proxy", "gateway.test")
    assert await doubt(any_confirm(connect(url="http://gateway.test"))) == ("NO_ANSWER", NoAnswer)
    assert len(heard) == 1


async def test_an_answer_that_trickles_in_does_not_outlast_the_time_limit(connect):
    """Each byte comes within the time limit of a read; only a limit on the whole call ends it."""
    trickled = asyncio.Event()

    async def trickle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            trickled.set()
            writer.close()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        gateway = connect(url=f"http://127.0.0.1:{port}", timeout_seconds=HURRY_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await doubt(any_confirm(gateway)) == ("NO_ANSWER", NoAnswer)
            await trickled.wait()


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["live_sk_a", "live_gsk_a", "live_ck_a", "live_gck_a", " live_sk_a"])
def test_these_keys_move_real_money(key):
    assert TossGateway.is_live_key(key)


@pytest.mark.parametrize("key", ["test_sk_live_", "test_gsk_a", "test_ck_a", "", SECRET_KEY])
def test_these_keys_do_not(key):
    assert not TossGateway.is_live_key(key)


# ── hints and the checkout ───────────────────────────────────────────────────────────────────────


async def test_a_webhook_says_where_to_look(gateway):
    body = b'{"eventType": "PAYMENT_STATUS_CHANGED", "data": {"paymentKey": "k", "orderId": "o", "status": "DONE"}}'
    assert gateway.read_hint(body, {}) == Hint("k", "o")


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"\xff", b'{"data": {}}', b"[" * 10_000])
async def test_a_webhook_without_sense_is_refused(gateway, body):
    with pytest.raises(Invalid):
        gateway.read_hint(body, {})


async def test_the_checkout_may_load_the_script_and_what_the_operator_names(connect):
    script = {
        "script_url": "https://js.tosspayments.com/v2/standard",
        "sources": "https://*.tosspayments.com",
    }
    checkout = connect(**script).checkout
    assert (checkout.script_url, checkout.client_key) == (script["script_url"], "test_ck_x")
    assert checkout.sources == "https://js.tosspayments.com https://*.tosspayments.com"
    assert connect().checkout.sources == ""


async def test_the_adapter_has_the_shape_of_the_port(gateway):
    port: Gateway = gateway
    assert port.name == "toss"


def test_the_sandbox_is_stopped_like_any_server(tmp_path: Path):
    sandbox = Sandbox(tmp_path / "stopped.log").start()
    sandbox.stop()
    assert f"sandbox: {sandbox.url}" in sandbox.log()
