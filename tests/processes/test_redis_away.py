"""A Redis that dies and comes back: the server stays ready, says so, and goes on."""

import time

import httpx

from support.servers import Server


def redis_of(server: Server) -> object:
    answer = httpx.get(f"{server.url}/readyz", timeout=5)
    assert answer.status_code == 200
    assert answer.json()["data"]["ready"] is True
    return answer.json()["data"].get("redis")


def away_figure(server: Server) -> str:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return next(line for line in lines if line.startswith("jari_redis_away "))


def wait_for(server: Server, state: str) -> None:
    until = time.monotonic() + 15
    while redis_of(server) != state:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_server_is_ready_without_its_redis_and_says_so(make_server, make_redis, postgres_url) -> None:
    redis = make_redis()
    server = make_server(postgres_url, redis=redis.url, redis_failures=2, redis_pause_ms=100)
    assert redis_of(server) == "there"
    assert away_figure(server) == "jari_redis_away 0.0"
    redis.kill()
    for _ in range(3):
        assert redis_of(server) == "away"
    assert away_figure(server) == "jari_redis_away 1.0"
    redis.start()
    wait_for(server, "there")
    assert away_figure(server) == "jari_redis_away 0.0"
    assert server.stop() < 5


def test_a_server_starts_while_its_redis_is_away(make_server, make_redis, postgres_url) -> None:
    redis = make_redis()
    redis.kill()
    server = make_server(postgres_url, redis=redis.url, redis_pause_ms=100)
    assert redis_of(server) == "away"
    redis.start()
    wait_for(server, "there")


def test_a_server_without_redis_says_nothing_of_one(make_server, sqlite_url) -> None:
    assert redis_of(make_server(sqlite_url)) is None
