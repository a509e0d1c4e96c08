"""Whom limits count: every client by an address of its own, whatever family it comes by and whatever it says."""

import json
from collections.abc import Callable

import httpx
import pytest

from support.connections import RawConnection
from support.servers import Server

MakeServer = Callable[..., Server]

TOO_MANY = 429


def log_in(server: Server, forwarded_for: str = "", *, host: str = "127.0.0.1", source: str = "") -> int:
    """A log-in that fails; its status."""
    body = json.dumps(
        {"email": f"nobody-{source}{forwarded_for[:20]}@example.com", "password": "wrong-wrong"}
    )
    with RawConnection(server, host=host, source=source) as client:
        head = "POST /api/log-in HTTP/1.1\r\nHost: jari\r\nContent-Type: application/json\r\n"
        if forwarded_for:
            head += f"X-Forwarded-For: {forwarded_for}\r\n"
        client.send(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin1"))
        return int(client.read_until(b"}").split(b" ", 2)[1])


@pytest.fixture
def listen_everywhere(sqlite_url: str, make_server: MakeServer) -> Callable[..., Server]:
    """A server that IPv4 and IPv6 clients reach, and that takes two wrong log-ins from an address."""
    return lambda **settings: make_server(sqlite_url, host="::", log_in_attempts_per_address=2, **settings)


def test_one_ipv4_client_does_not_lock_out_the_others_on_a_socket_for_both_families(
    listen_everywhere: Callable[..., Server],
) -> None:
    server = listen_everywhere()
    assert [log_in(server) for _ in range(3)] == [401, 401, TOO_MANY]
    assert log_in(server, source="127.0.0.2") == 401
    assert log_in(server, host="::1") == 401


@pytest.mark.parametrize(
    ("forwarded", "same", "another"),
    [
        ("203.0.113.1", "203.0.113.1:4711", "203.0.113.2"),
        ("::ffff:203.0.113.1", "203.0.113.1", "::ffff:203.0.113.2"),
        ("2001:db8:1:1::1", "[2001:db8:1:1:f::2]:4711", "2001:db8:1:2::1"),
        ("6.6.6.6, 203.0.113.1", "7.7.7.7, 203.0.113.1", "6.6.6.6, 203.0.113.2"),
    ],
    ids=["IPv4", "mapped IPv4", "IPv6 by its /64", "what the client wrote itself is not believed"],
)
def test_clients_of_a_trusted_proxy_are_told_apart(
    listen_everywhere: Callable[..., Server], forwarded: str, same: str, another: str
) -> None:
    """The proxy itself arrives as ::ffff:127.0.0.1 here."""
    server = listen_everywhere(trusted_proxies="127.0.0.1")
    assert [log_in(server, each) for each in (forwarded, same, same)] == [401, 401, TOO_MANY]
    assert log_in(server, another) == 401


@pytest.mark.parametrize(
    "garbage",
    [
        "1.2.3.4:99999x",
        "1.2.3.4, a:b:c",
        "unknown",
        "[::1",
        "::1%" + "x" * 200,
        "1," * 5_000 + "x",
        "\xff\xfe",
        "9" * 20_000,
    ],
    ids=["port", "no address", "a word", "bracket", "zone", "list", "bytes", "length"],
)
def test_what_is_no_address_counts_as_the_proxy_that_passed_it_on(
    sqlite_url: str, make_server: MakeServer, garbage: str
) -> None:
    server = make_server(sqlite_url, trusted_proxies="127.0.0.1", log_in_attempts_per_address=2)
    assert [log_in(server, garbage) for _ in range(3)] == [401, 401, TOO_MANY]
    assert log_in(server) == TOO_MANY


def test_nobody_is_believed_until_a_proxy_is_named(listen_everywhere: Callable[..., Server]) -> None:
    server = listen_everywhere()
    assert [log_in(server, f"203.0.113.{number}") for number in range(3)] == [401, 401, TOO_MANY]
    assert server.log().count("no_proxy_trusted") == 1


@pytest.mark.parametrize("named", ["127.0.0.0/8, ::1", "::ffff:127.0.0.1"])
def test_a_named_proxy_is_believed(listen_everywhere: Callable[..., Server], named: str) -> None:
    server = listen_everywhere(trusted_proxies=named)
    assert [log_in(server, f"203.0.113.{number}") for number in range(3)] == [401, 401, 401]
    assert "no_proxy_trusted" not in server.log()


def test_a_setting_that_names_no_address_is_refused_at_start(
    sqlite_url: str, make_server: MakeServer
) -> None:
    with pytest.raises(AssertionError, match=r"JARI_TRUSTED_PROXIES: 'localhost' is neither"):
        make_server(sqlite_url, trusted_proxies="localhost")


@pytest.mark.parametrize(("public_url", "is_https"), [("https://jari.example", True), ("", False)])
def test_every_answer_says_what_browsers_must_not_guess(
    sqlite_url: str, make_server: MakeServer, public_url: str, *, is_https: bool
) -> None:
    server = make_server(sqlite_url, public_url=public_url)
    answers = [
        httpx.get(server.url + path)
        for path in ("/", "/metrics", "/openapi.json", "/docs", "/livez", "/static/api/live.js", "/nothing")
    ]
    answers.append(httpx.get(server.url + "/livez", headers={"X": "x" * 40_000}))
    assert {answer.status_code for answer in answers} == {200, 404, 431}
    for answer in answers:
        assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
        assert ("Strict-Transport-Security" in answer.headers) is is_https
