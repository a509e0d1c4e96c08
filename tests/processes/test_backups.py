"""What a backup that was put back means for buyers and viewers, by the recipe in `docs/operations.md`."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jari.domain.users import Role
from support.databases import Postgres, postgres_program, sqlite_in
from support.purchases import open_shop
from support.streams import Listener

Restore = Callable[[], str]


@contextmanager
def on_sqlite(directory: Path, _: Postgres) -> Iterator[tuple[str, Callable[[], Restore]]]:
    url = sqlite_in(directory)
    copy = directory / "copy.db"

    def back_up() -> Restore:
        with (
            closing(sqlite3.connect(directory / "jari.db")) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return lambda: f"sqlite:///{copy}"

    yield url, back_up


@contextmanager
def on_postgres(directory: Path, postgres: Postgres) -> Iterator[tuple[str, Callable[[], Restore]]]:
    name, file = postgres.copy(), directory / "copy.dump"
    restored = f"{name}_restored"

    def back_up() -> Restore:
        run("pg_dump", "--format=custom", "--file", str(file), postgres.url(name))
        return restore

    def restore() -> str:
        postgres.execute(f"CREATE DATABASE {restored}")
        run("pg_restore", "--dbname", postgres.url(restored), str(file))
        return postgres.url(restored)

    yield postgres.url(name), back_up
    postgres.drop(name)
    postgres.drop(restored)


def run(program: str, *arguments: str) -> None:
    subprocess.run([postgres_program(program), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("kept_on", [on_sqlite, on_postgres], ids=["SQLite", "PostgreSQL"])
def test_tickets_stay_good_viewers_start_over_and_no_number_is_given_twice(
    postgres: Postgres, tmp_path: Path, kept_on: Callable
) -> None:
    with kept_on(tmp_path, postgres) as (url, back_up), open_shop(url, tmp_path) as shop:
        match, server, organiser = shop.stage, shop.server, shop.world.buyer(Role.ORGANISER)
        before = shop.purchase(match=match).paid()
        ticket = before.tickets()[0]
        restore = back_up()
        lost = shop.purchase(match=match)
        lost.seat_ids = tuple(match.seat_ids[4:6])
        lost.paid()
        stream = f"{server.url}/api/matches/{match.id}/blocks/{match.block_id}/seats/status-stream"
        with Listener(stream) as listener:
            listener.wait_for_status(match.seat_ids[4], "OCCUPIED")
        server.stop()

        server.database_url = restore()
        migrate = [sys.executable, "-m", "jari", "migrate", "--restored", "--database", server.database_url]
        subprocess.run(migrate, check=True, capture_output=True)
        server.start()

        with Listener(stream, last_event_id=listener.last_id) as again:
            assert again.wait_for_opening().name == "init"
            sold = dict.fromkeys(before.seat_ids, "OCCUPIED")
            assert again.statuses() == dict.fromkeys(match.seat_ids, "AVAILABLE") | sold
        with organiser.client(server.url) as client:
            body = {"token": ticket["token"], "scheduleId": match.id}
            assert client.post("/api/tickets/check-in", json=body).is_success
        next_one = replace(before, seat_ids=lost.seat_ids)
        assert next_one.book().status_code == 201
        assert next_one.reservation["id"] > lost.reservation["id"]
