"""Which events a webhook is told, in which words and under which signature, and when a failed try is repeated."""

import pytest

from jari.adapters.webhook_sender import headers_of
from jari.domain.errors import Invalid
from jari.domain.events import Event, EventKind, SeatEvent
from jari.domain.relays import event_id, payload
from jari.domain.webhooks import (
    DEFAULT_PATTERNS,
    Webhook,
    check_patterns,
    check_url,
    matches,
    retry_ms,
    show_secret,
    sign,
)
from jari.ports.webhooks import SignedEvent
from jari.settings import Settings

# The example of the Standard Webhooks specification.
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET_BYTES = b"1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3b\xda-\xa4\xb0"
NAME, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

SALE = Event(EventKind.REFUND_DUE, 12, "jari-7-12-x", 3, (101, 102), 30_000, "KRW")
SEATS = SeatEvent(EventKind.SEATS_HELD, 3, (101,), 1_774_674_300_000)


def test_the_signature_is_that_of_the_specification():
    assert show_secret(SECRET_BYTES) == f"whsec_{SECRET}"
    assert sign(SECRET_BYTES, NAME, TIMESTAMP, BODY) == SIGNATURE


@pytest.mark.parametrize(
    "changed",
    [
        (b"another secret, 24 bytes", NAME, TIMESTAMP, BODY),
        (SECRET_BYTES, NAME + "x", TIMESTAMP, BODY),
        (SECRET_BYTES, NAME, TIMESTAMP + 1, BODY),
        (SECRET_BYTES, NAME, TIMESTAMP, BODY + b" "),
    ],
    ids=["secret", "id", "time", "body"],
)
def test_everything_that_is_sent_is_under_the_signature(changed):
    assert sign(*changed) != SIGNATURE


def test_a_delivery_carries_its_id_its_time_and_its_signature():
    assert headers_of(SignedEvent(NAME, TIMESTAMP, SIGNATURE, BODY)) == {
        "content-type": "application/json",
        "user-agent": "jari-webhooks",
        "webhook-id": NAME,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


@pytest.mark.parametrize(
    ("pattern", "kind", "fits"),
    [
        ("reservation.created", "reservation.created", True),
        ("reservation.created", "reservation.confirmed", False),
        ("reservation.*", "reservation.confirmed", True),
        ("reservation.*", "refund.due", False),
        ("*", "seats.held", True),
        ("seats", "seats.held", False),
        ("*.held", "seats.held", False),
        ("", "seats.held", False),
    ],
)
def test_a_pattern_is_a_kind_or_a_noun_with_a_star(pattern, kind, fits):
    assert matches([pattern], EventKind(kind)) is fits


def test_one_fitting_pattern_is_enough():
    assert matches(["refund.*", "seats.sold"], EventKind.SEATS_SOLD)
    assert not matches([], EventKind.SEATS_SOLD)


def test_who_names_no_kinds_is_told_of_all_but_seats():
    told = [kind for kind in EventKind if matches(check_patterns([]), kind)]
    assert told == [kind for kind in EventKind if kind.noun != "seats"]
    assert check_patterns([]) == DEFAULT_PATTERNS


def test_patterns_are_kept_once_and_in_order():
    assert check_patterns(["seats.*", "refund.due", "seats.*"]) == ("seats.*", "refund.due")


@pytest.mark.parametrize("pattern", ["seat.*", "reservation", "reservation.paid", "Refund.*", "**", ""])
def test_a_pattern_that_fits_no_kind_is_refused(pattern):
    with pytest.raises(Invalid, match=r"reservation\.created"):
        check_patterns(["refund.*", pattern])


@pytest.mark.parametrize("url", ["https://example.com", "http://127.0.0.1:8080/a?b=c", "https://[::1]/x"])
def test_an_address_is_taken_as_it_is(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/x",
        "ftp://example.com",
        "https://",
        "https:///x",
        "http://[::1",
        "http://example.com:99999/",
        "http://example.com:0/",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/" + "x" * 2_000,
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Invalid, match="no address for a webhook"):
        check_url(url)


def test_a_webhook_is_told_only_of_what_came_after_it():
    webhook = Webhook(1, "https://example.com", SECRET_BYTES, ("refund.*",), created_ms=1_000)
    assert webhook.wants(EventKind.REFUND_DUE, 1_000)
    assert not webhook.wants(EventKind.REFUND_DUE, 999)
    assert not webhook.wants(EventKind.TICKET_CHECKED_IN, 1_001)


def test_a_webhook_does_not_show_its_secret_in_logs():
    assert "secret" not in repr(Webhook(1, "https://example.com", SECRET_BYTES, (), 0))


def test_the_longest_id_of_an_event_fits_its_column():
    assert event_id(7, "3f9c2b1e", 42, 0) == "7-3f9c2b1e-42-0"
    assert len(event_id(2**63 - 1, "e" * 16, 2**63 - 1, 99_999)) <= 64


def test_an_event_of_a_sale_names_the_sale_its_seats_and_its_money():
    assert payload(SALE, "7-e-42-1", 7, 42, 1_774_674_000_005) == {
        "id": "7-e-42-1",
        "type": "refund.due",
        "createdAt": "2026-03-28T05:00:00.005Z",
        "data": {
            "scheduleId": 7,
            "version": 42,
            "reservationId": 12,
            "orderId": "jari-7-12-x",
            "buyerId": 3,
            "seatIds": (101, 102),
            "amount": 30_000,
            "currency": "KRW",
        },
    }


def test_an_event_of_seats_names_who_has_them_and_until_when():
    told = payload(SEATS, "7-e-42-0", 7, 42, 0)["data"]
    assert told == {
        "scheduleId": 7,
        "version": 42,
        "buyerId": 3,
        "seatIds": (101,),
        "expiresAt": "2026-03-28T05:05:00.000Z",
    }
    free = payload(SeatEvent(EventKind.SEATS_RELEASED, 0, (101,), None), "7-e-43-0", 7, 43, 0)["data"]
    assert (free["buyerId"], free["expiresAt"]) == (None, None)


def delays(tries, dice=0.5):
    settings = Settings()
    return [
        retry_ms(
            attempt,
            min_seconds=settings.webhook_retry_min_seconds,
            max_seconds=settings.webhook_retry_max_seconds,
            dice=dice,
        )
        for attempt in range(1, tries)
    ]


def test_each_delay_is_four_times_the_last_up_to_the_longest():
    seconds = [10, 40, 160, 640, 2_560, 10_240, 40_960, 86_400, 86_400]
    assert delays(10) == [each * 1_000 for each in seconds]


def test_the_tries_of_the_default_settings_go_on_for_days():
    assert 2 * 86_400_000 < sum(delays(Settings().webhook_tries)) < 4 * 86_400_000


def test_the_dice_spread_a_delay_by_a_fifth_to_either_side():
    assert delays(3, dice=0.0) == [8_000, 32_000]
    assert delays(3, dice=1.0) == [12_000, 48_000]


def test_a_great_number_of_tries_is_not_a_great_delay():
    assert retry_ms(1_000_000, min_seconds=1, max_seconds=60, dice=0.5) == 60_000
