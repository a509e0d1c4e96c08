"""Accounts on several servers and under attack: what is counted where, by which clock, and at whose cost."""

import secrets
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.servers import Server

SHIFTED = str(Path(__file__).parents[1] / "support" / "shifted_server.py")
HOUR_SECONDS, WINDOW_SECONDS = 3_600, 900
PASSWORD = "a seat in the sun"

MakeServer = Callable[..., Server]


def sign_up(url: str) -> str:
    email = f"{secrets.token_hex(6)}@example.com"
    body = {"email": email, "password": PASSWORD, "name": "Minji"}
    assert httpx.post(f"{url}/api/sign-up", json=body).status_code == 201
    return email


def log_in(client: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/log-in", json={"email": email, "password": password})


@pytest.mark.parametrize("shift_seconds", [-HOUR_SECONDS, HOUR_SECONDS])
def test_a_session_lasts_as_long_on_a_server_whose_clock_is_an_hour_off(
    postgres_url: str, make_server: MakeServer, shift_seconds: int
) -> None:
    right = make_server(postgres_url, session_hours=1)
    wrong = make_server(postgres_url, session_hours=1, program=(SHIFTED, str(shift_seconds)))
    email = sign_up(right.url)
    for one, other in ((right, wrong), (wrong, right)):
        with httpx.Client(base_url=one.url) as client:
            assert log_in(client, email).status_code == 200
            assert client.get("/api/me").status_code == 200
            assert client.get(f"{other.url}/api/me").status_code == 200


def test_a_lock_lasts_no_longer_because_a_server_has_a_wrong_clock(
    postgres_url: str, make_server: MakeServer
) -> None:
    settings = {"log_in_attempts_per_account": 2, "attempt_window_seconds": WINDOW_SECONDS}
    right = make_server(postgres_url, **settings)
    wrong = make_server(postgres_url, **settings, program=(SHIFTED, str(HOUR_SECONDS)))
    email = sign_up(right.url)
    with httpx.Client(base_url=wrong.url) as client:
        assert [log_in(client, email, "a guess").status_code for _ in range(3)] == [401, 401, 429]
    with httpx.Client(base_url=right.url) as client:
        refused = log_in(client, email, "a guess")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW_SECONDS
