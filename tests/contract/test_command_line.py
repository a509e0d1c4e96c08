"""The command line, as somebody types it: a process of its own, its output and its exit code."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from jari import plans
from jari.domain.schedules import Sale
from jari.domain.venues import Venue
from jari.usecases.organising import Organising
from support.servers import Server
from support.worlds import World, hall

SECONDS = 60


class Jari:
    """``jari`` on one database, named by the environment."""

    def __init__(self, database_url: str = "", **settings: str) -> None:
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("JARI_")
        }
        if database_url:
            self._environment["JARI_DATABASE"] = database_url
        self._environment |= settings

    def __call__(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "jari", *(str(each) for each in arguments)]
        return subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def json(self, *arguments: object) -> Any:
        """What a command that succeeds prints for machines."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        return json.loads(line)

    def complaint(self, *arguments: object) -> str:
        """The one line with which a command that is refused ends."""
        done = self(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("jari: ")
        return line.removeprefix("jari: ")


@pytest.fixture
def jari(sqlite_url: str) -> Jari:
    return Jari(sqlite_url)


def plan_file(directory: Path, venue: Venue) -> Path:
    file = directory / "plan.json"
    file.write_bytes(plans.write_plan(venue, "native"))
    return file


def test_migrate_makes_the_tables_and_may_be_repeated(tmp_path: Path) -> None:
    jari = Jari(f"sqlite:///{tmp_path / 'new.db'}")
    first = jari.json("migrate")
    assert first["revision"]
    assert jari.json("migrate") == first


def test_an_option_wins_over_the_environment(tmp_path: Path) -> None:
    jari = Jari(f"sqlite:///{tmp_path / 'environment.db'}")
    jari.json("migrate", "--database", f"sqlite:///{tmp_path / 'option.db'}")
    assert (tmp_path / "option.db").exists()
    assert not (tmp_path / "environment.db").exists()


@pytest.mark.parametrize(
    "command", [("serve", "--port", "0"), ("venue", "list")], ids=["serve", "venue list"]
)
def test_a_database_without_tables_is_refused_with_what_to_type(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    complaint = Jari(f"sqlite:///{tmp_path / 'new.db'}").complaint(*command)
    assert complaint.startswith("The database has no tables yet.")
    assert "jari migrate" in complaint


@pytest.mark.parametrize(
    ("command", "url"),
    [(("serve", "--port", "0"), "mysql://jari:open-sesame@localhost/jari"), (("migrate",), "jari.db")],
    ids=["serve", "migrate"],
)
def test_a_database_of_another_kind_is_refused_with_what_is_possible_and_without_its_password(
    command: tuple[str, ...], url: str
) -> None:
    complaint = Jari().complaint(*command, "--database", url)
    assert "sqlite:///FILE" in complaint
    assert "postgresql://" in complaint
    assert "open-sesame" not in complaint


@pytest.mark.parametrize("database", ["sqlite", "memory"])
def test_redis_is_refused_beside_a_database_for_one_process(
    request: pytest.FixtureRequest, database: str
) -> None:
    jari = Jari(request.getfixturevalue(f"{database}_url"))
    complaint = jari.complaint("serve", "--redis", "redis://:hidden@127.0.0.1:9")
    assert "leave out --redis (JARI_REDIS), or name a PostgreSQL" in complaint
    assert "hidden" not in complaint


def test_a_setting_that_is_no_number_is_refused_by_its_name(sqlite_url: str) -> None:
    complaint = Jari(sqlite_url, JARI_HOLD_SECONDS="five").complaint("serve", "--port", 0)
    assert "JARI_HOLD_SECONDS='five'" in complaint


def test_a_sample_is_imported_by_its_name(jari: Jari) -> None:
    made = jari.json("venue", "import", "ballpark")
    assert made == {"id": made["id"], "name": "잠실 규모 야구장", "seats": made["seats"], "new": True}
    assert made["seats"] > 20_000


def test_a_file_is_imported_and_importing_it_again_replaces_the_plan_of_that_name(
    jari: Jari, tmp_path: Path
) -> None:
    file = plan_file(tmp_path, hall(rows=2, cols=3, name="Old hall"))
    made = jari.json("venue", "import", file)
    assert made == {"id": made["id"], "name": "Old hall", "seats": 6, "new": True}
    plan_file(tmp_path, hall(rows=3, cols=3, name="Old hall"))
    assert jari.json("venue", "import", file) == {**made, "seats": 9, "new": False}
    other = jari.json("venue", "import", file, "--name", "신관")
    assert (other["name"], other["new"]) == ("신관", True)
    shown = jari("venue", "list").stdout
    assert re.search(rf"\b{made['id']}\b.*Old hall.*\b9\b", shown)
    assert re.search(rf"\b{other['id']}\b.*신관.*\b9\b", shown)


def test_a_bad_plan_is_refused_in_one_line_and_nothing_is_imported(
    jari: Jari, tmp_path: Path, sqlite_url: str, make_world: Callable[[str], World]
) -> None:
    file = plan_file(tmp_path, hall(rows=2, cols=3))
    plan = json.loads(file.read_text())
    plan["sections"][0]["blocks"][0]["rows"][1]["seats"][2]["grade"] = "gold"
    file.write_text(json.dumps(plan))
    complaint = jari.complaint("venue", "import", file)
    assert all(words in complaint for words in ("plan.json: ", "'101'", "row '2'", "seat '3'", "'gold'"))
    file.write_text("{")
    assert jari.complaint("venue", "import", file).startswith("plan.json: ")
    world = make_world(sqlite_url)
    assert list(world.run(world.stores.catalogue.venues())) == []


def test_a_file_that_there_is_not_is_refused(jari: Jari, tmp_path: Path) -> None:
    assert jari.complaint("venue", "import", tmp_path / "none.json").startswith("none.json: ")


@pytest.mark.parametrize("plan_format", ["native", "csv"])
def test_what_is_exported_can_be_imported_again_without_a_change(
    jari: Jari, tmp_path: Path, sqlite_url: str, make_world: Callable[[str], World], plan_format: str
) -> None:
    match = make_world(sqlite_url).match(plans.read_plan(plans.sample("theatre"), file="theatre.json"))
    exported = jari("venue", "export", match.venue_id, "--format", plan_format)
    file = tmp_path / f"{match.venue.name}.plan"
    file.write_text(exported.stdout)
    made = jari.json("venue", "import", file, "--name", match.venue.name)
    assert made == {
        "id": match.venue_id,
        "name": match.venue.name,
        "seats": len(match.seat_ids),
        "new": False,
    }
    again = jari("venue", "export", match.venue_id, "--format", plan_format)
    assert again.stdout == exported.stdout


def test_a_venue_that_there_is_not_cannot_be_exported(jari: Jari) -> None:
    assert "jari venue list" in jari.complaint("venue", "export", 99)


def test_a_plan_that_drops_a_held_seat_is_refused_and_the_old_plan_stays(
    jari: Jari,
    sqlite_url: str,
    tmp_path: Path,
    make_server: Callable[..., Server],
    make_world: Callable[[str], World],
) -> None:
    server, world = make_server(sqlite_url), make_world(sqlite_url)
    match, buyer = world.match(hall(rows=2, cols=3, name="Old hall")), world.buyer()
    with buyer.client(server.url) as client:
        held = {"seatIds": [match.seat_at[2, 3]]}
        client.post(f"/api/matches/{match.id}/allocations", json=held).raise_for_status()
        file = plan_file(tmp_path, hall(rows=1, cols=3, name="Old hall"))
        complaint = jari.complaint("venue", "import", file)
        assert "101-2-3" in complaint
        assert "101-2-2" not in complaint
        assert world.run(world.stores.catalogue.schedule(match.id)).seat_count == 6
        client.delete(f"/api/matches/{match.id}/allocations", params={"seatId": held["seatIds"]})
    assert jari.json("venue", "import", file)["seats"] == 3


def test_a_schedule_is_made_opened_closed_and_listed(
    jari: Jari, sqlite_url: str, make_world: Callable[[str], World]
) -> None:
    world = make_world(sqlite_url)
    venue_id, _ = world.run(
        Organising(world.stores.catalogue, world.stores.news).import_venue(hall(name="Old hall"))
    )
    made = jari.json(
        "schedule", "create", "--venue", venue_id, "--title", "첫 공연",
        "--kind", "performance", "--starts-at", "2031-03-28T19:30:00",
    )  # fmt: skip
    schedule = world.run(world.stores.catalogue.schedule(made["id"]))
    assert (schedule.venue_id, schedule.kind, schedule.sale.enabled) == (venue_id, "performance", False)
    assert jari.json("schedule", "open", made["id"]) == {"id": made["id"], "open": True}
    assert jari.json("schedule", "list")["schedules"] == [
        {
            "id": made["id"],
            "kind": "performance",
            "title": "첫 공연",
            "venue": "Old hall",
            "starts": "2031-03-28T19:30+00:00",
            "status": "OPEN",
        }
    ]
    assert jari.json("schedule", "close", made["id"]) == {"id": made["id"], "open": False}
    assert re.search("첫 공연.*Old hall.*CLOSED", " ".join(jari("schedule", "list").stdout.split()))


def test_a_schedule_with_a_time_of_opening_opens_by_itself(
    jari: Jari, sqlite_url: str, make_world: Callable[[str], World]
) -> None:
    world = make_world(sqlite_url)
    venue_id, _ = world.run(Organising(world.stores.catalogue, world.stores.news).import_venue(hall()))
    opens_at = datetime(2031, 3, 21, 14, tzinfo=timezone(timedelta(hours=9)))
    made = jari.json(
        "schedule", "create", "--venue", venue_id, "--title", "LG : Doosan",
        "--starts-at", "2031-03-28", "--opens-at", opens_at.isoformat(),
    )  # fmt: skip
    sale = world.run(world.stores.catalogue.schedule(made["id"])).sale
    assert sale == Sale(enabled=True, opens_ms=int(opens_at.timestamp() * 1000))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("create", "--venue", "99", "--title", "x"), "There is no venue 99"),
        (("open", "99"), "There is no schedule 99"),
    ],
    ids=["create", "open"],
)
def test_a_schedule_of_nothing_is_refused(jari: Jari, arguments: tuple[str, ...], reason: str) -> None:
    assert jari.complaint("schedule", *arguments).startswith(reason)


def test_an_organiser_is_made_with_a_password_from_the_environment(
    sqlite_url: str, make_server: Callable[..., Server]
) -> None:
    jari = Jari(sqlite_url, JARI_PASSWORD="a seat in the sun")
    made = jari.json("user", "create", "--email", "boss@example.com", "--role", "organiser")
    assert made == {"id": made["id"], "role": "organiser"}
    account = {"email": "boss@example.com", "password": "a seat in the sun"}
    answer = httpx.post(f"{make_server(sqlite_url).url}/api/log-in", json=account).json()
    assert (answer["data"]["id"], answer["data"]["role"]) == (made["id"], "organiser")
    assert "e-mail" in jari.complaint("user", "create", "--email", "boss@example.com")


def test_a_user_with_a_short_password_is_refused(sqlite_url: str) -> None:
    jari = Jari(sqlite_url, JARI_PASSWORD="short")
    assert "password" in jari.complaint("user", "create", "--email", "boss@example.com")


def test_a_crowd_holds_seats_and_leaves_none_held(shared_server: Server, shared_world: World) -> None:
    match = shared_world.match()
    crowd = ("crowd", "--url", shared_server.url, "--schedule", match.id, "--fans", 5, "--seconds", 3)
    tally = Jari().json(*crowd)
    assert tally["fans"] == 5
    assert tally["held"] >= 1
    assert tally["released"] == tally["held"]
    assert not [outcome for outcome in tally if outcome.startswith("failed")]
    assert shared_world.allocations(match) == []


def test_a_crowd_that_finds_no_server_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        complaint = Jari().complaint("crowd", "--url", url, "--schedule", 1, "--fans", 1, "--seconds", 1)
    assert url in complaint


def test_help_names_every_command() -> None:
    shown = Jari()("--help").stdout
    for command in ("serve", "migrate", "demo", "crowd", "venue", "schedule", "user"):
        assert re.search(rf"\b{command}\b", shown)


def test_a_command_whose_work_would_end_with_it_is_refused() -> None:
    assert "What lies in memory ends with this command" in Jari("memory:").complaint("venue", "list")


def test_a_server_with_a_gateway_that_cannot_begin_says_no_more_than_why(tmp_path: Path) -> None:
    jari = Jari(
        f"sqlite:///{tmp_path / 'empty.db'}",
        JARI_GATEWAY_URL="http://127.0.0.1:9",
        JARI_GATEWAY_SECRET_KEY="test_sk_a",
        JARI_GATEWAY_CLIENT_KEY="test_ck_a",
    )
    assert "jari migrate" in jari.complaint("serve", "--port", 0)


def test_an_unknown_option_is_refused_as_a_mistake_of_typing() -> None:
    done = Jari()("serve", "--prot", "8000")
    assert done.returncode == 2
    assert "--prot" in done.stderr


def test_a_webhook_is_made_listed_and_removed_and_shows_its_secret_once(jari: Jari) -> None:
    made = jari.json(
        "webhook", "create", "--url", "https://example.com/hooks", "--kinds", "seats.*, refund.due"
    )
    assert made["url"] == "https://example.com/hooks"
    assert made["kinds"] == ["seats.*", "refund.due"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    (listed,) = jari.json("webhook", "list")["webhooks"]
    assert (listed["id"], listed["url"], listed["kinds"]) == (made["id"], made["url"], "seats.*,refund.due")
    assert (listed["waiting"], listed["dead"]) == (0, 0)
    assert made["secret"] not in jari("webhook", "list").stdout
    assert jari.json("webhook", "remove", made["id"]) == {"id": made["id"], "removed": True}
    assert jari.json("webhook", "list") == {"webhooks": []}


def test_webhook_options_may_come_from_the_environment(sqlite_url: str) -> None:
    jari = Jari(sqlite_url, JARI_URL="https://example.com", JARI_KINDS="ticket.*", JARI_MAX_WEBHOOKS="1")
    assert jari.json("webhook", "create")["kinds"] == ["ticket.*"]
    assert "remove one first" in jari.complaint("webhook", "create")


def test_a_webhook_that_makes_no_sense_is_refused(jari: Jari) -> None:
    assert "no address" in jari.complaint("webhook", "create", "--url", "example.com")
    refusal = jari.complaint("webhook", "create", "--url", "https://example.com", "--kinds", "seat.*")
    assert "'seat.*'" in refusal
    assert "seats.held" in refusal
    assert "jari webhook list" in jari.complaint("webhook", "remove", 1)
    assert "--all" in jari.complaint("webhook", "retry")
    assert "--all" in jari.complaint("webhook", "retry", 1, "--all")
    assert jari.json("webhook", "dead") == {"dead": []}
    assert jari.json("webhook", "retry", "--all") == {"retried": 0}


def test_a_relay_needs_brokers_and_a_database_that_others_use(jari: Jari) -> None:
    assert "--kafka, or JARI_KAFKA" in jari.complaint("relay", "kafka")
    assert "others can open" in jari.complaint(
        "relay", "kafka", "--kafka", "localhost:1", "--database", "memory:"
    )
