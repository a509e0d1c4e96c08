"""The command line. Every option is also an environment variable, and ``--json`` prints one object for machines."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from jari import demo as demonstration
from jari import logs, plans
from jari.adapters.sql.catalogue import SqlCatalogue
from jari.adapters.sql.database import migrate, open_database
from jari.adapters.sql.reservations import SqlReservations
from jari.crowd import Tally, run_crowd
from jari.domain.schedules import Filter, Kind, Schedule
from jari.domain.users import Role
from jari.main import open_devices
from jari.main import serve as run_server
from jari.terminal import (
    MAX_ID,
    DatabaseOption,
    JsonOption,
    console,
    fail,
    opened_stores,
    read_settings,
    run,
    show,
    table,
)
from jari.usecases.accounts import Accounts
from jari.usecases.organising import Organising
from jari.usecases.passwords import Passwords
from jari.webhook_commands import webhook_app

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reserved seats for a crowd.",
)
venue_app = typer.Typer(no_args_is_help=True, help="Bring venues in and out.")
schedule_app = typer.Typer(no_args_is_help=True, help="Make schedules; open and close their sales.")
user_app = typer.Typer(no_args_is_help=True, help="Make accounts.")
app.add_typer(venue_app, name="venue")
app.add_typer(schedule_app, name="schedule")
app.add_typer(user_app, name="user")
app.add_typer(webhook_app, name="webhook")

PAGE_SIZE = 1_000  # schedules read at a time
NUMBERS_LOST = 1_000_000  # more reservations than were made since any backup
TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]


class PlanFormat(StrEnum):
    """The formats of seating plans; see `jari.plans`."""

    NATIVE = "native"
    PRETIX = "pretix"
    CSV = "csv"


@app.command()
def serve(
    database: DatabaseOption = None,
    host: Annotated[str | None, typer.Option(envvar="JARI_HOST")] = None,
    port: Annotated[int | None, typer.Option(envvar="JARI_PORT", min=0, max=65535)] = None,
) -> None:
    """Serve the page and the API."""
    logs.configure()
    run(run_server(read_settings(database=database, host=host, port=port)))


@app.command("migrate")
def migrate_command(
    database: DatabaseOption = None,
    *,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", envvar="JARI_RESTORED", help="It comes from a backup: viewers start over."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make the database's tables, or bring them up to date."""

    async def work() -> str:
        opened = open_database(read_settings(database=database))
        try:
            revision = await migrate(opened)
            if restored:
                await SqlCatalogue(opened).renew_epochs()
                await SqlReservations(opened).take_numbers(NUMBERS_LOST)
        finally:
            await opened.close()
        return revision

    revision = run(work())
    show({"revision": revision}, f"The database is at schema {revision}.", json=json)


@app.command()
def demo(
    host: Annotated[str, typer.Option(envvar="JARI_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="JARI_PORT", min=1, max=65535)] = 8000,
    fans: Annotated[int, typer.Option(envvar="JARI_FANS", min=0, max=5000, help="How many fans come.")] = 300,
    directory: Annotated[
        Path, typer.Option(envvar="JARI_DIRECTORY", help="Where the demo's database lies.")
    ] = Path("demo-data"),
) -> None:
    """Serve a ballpark with an open sale, and let a crowd in."""
    logs.configure(quiet=True)
    run(demonstration.run(host=host, port=port, fans=fans, directory=directory, console=console))


@app.command()
def crowd(
    schedule: Annotated[int, typer.Option(envvar="JARI_SCHEDULE", help="The schedule's id.")],
    url: Annotated[
        str, typer.Option(envvar="JARI_URL", help="Where the server is.")
    ] = "http://127.0.0.1:8000",
    fans: Annotated[int, typer.Option(envvar="JARI_FANS", min=1, max=5000)] = 200,
    seconds: Annotated[float, typer.Option(envvar="JARI_SECONDS", min=1, max=86_400)] = 60,
    *,
    json: JsonOption = False,
) -> None:
    """Let a crowd hold and release seats over HTTP."""

    def report(tally: Tally) -> None:
        if not json and console.is_terminal:
            console.print(_tally_line(tally), end="\r")

    try:
        tally = run(run_crowd(url=url, schedule_id=schedule, fans=fans, seconds=seconds, report=report))
    except httpx.HTTPError as error:
        fail(f"{url}: {error}. Is the server running there, and is there a schedule {schedule}?")
    show({"fans": tally.fans, **tally.outcomes}, _tally_line(tally), json=json)


@venue_app.command("import")
def import_venue(
    file: Annotated[
        Path, typer.Argument(help="A seating plan, or the name of a sample: ballpark, theatre, stadium.")
    ],
    name: Annotated[
        str | None, typer.Option(envvar="JARI_NAME", help="Another name than the plan's.")
    ] = None,
    plan_format: Annotated[
        PlanFormat | None, typer.Option("--format", envvar="JARI_FORMAT", help="If it can't be told.")
    ] = None,
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Bring in a seating plan; one of a known name replaces that venue's plan."""
    settings = read_settings(database=database)

    async def work() -> dict[str, Any]:
        if str(file) in plans.SAMPLES and not file.exists():
            venue = plans.read_plan(plans.sample(str(file)), file=f"{file}.json", format="native", name=name)
        else:
            venue = plans.read_plan_file(
                file, format=plan_format, name=name, max_bytes=settings.max_plan_bytes
            )
        async with opened_stores(settings) as stores:
            venue_id, is_new = await Organising(stores.catalogue).import_venue(venue)
        return {"id": venue_id, "name": venue.name, "seats": sum(1 for _ in venue.seats()), "new": is_new}

    made = run(work())
    show(made, f"Venue {made['id']}: {made['name']}, {made['seats']} seats.", json=json)


@venue_app.command("export")
def export_venue(
    venue_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID)],
    plan_format: Annotated[PlanFormat, typer.Option("--format", envvar="JARI_FORMAT")] = PlanFormat.NATIVE,
    database: DatabaseOption = None,
) -> None:
    """Print a venue's seating plan."""

    async def work() -> bytes:
        async with opened_stores(read_settings(database=database)) as stores:
            return plans.write_plan(await stores.catalogue.venue(venue_id), plan_format)

    sys.stdout.buffer.write(run(work()))


@venue_app.command("list")
def list_venues(database: DatabaseOption = None, *, json: JsonOption = False) -> None:
    """List the venues."""

    async def work() -> list[dict[str, Any]]:
        async with opened_stores(read_settings(database=database)) as stores:
            return [
                dict(zip(("id", "name", "seats"), row, strict=True))
                for row in await stores.catalogue.venues()
            ]

    rows = run(work())
    show({"venues": rows}, table(rows), json=json)


@schedule_app.command("create")
def create_schedule(
    venue: Annotated[int, typer.Option(envvar="JARI_VENUE", help="The venue's id.", min=1, max=MAX_ID)],
    title: Annotated[str, typer.Option(envvar="JARI_TITLE")],
    kind: Annotated[Kind, typer.Option(envvar="JARI_KIND")] = Kind.MATCH,
    starts_at: Annotated[
        datetime | None,
        typer.Option(envvar="JARI_STARTS_AT", formats=TIME_FORMATS, help="UTC; in a week if not said."),
    ] = None,
    opens_at: Annotated[
        datetime | None,
        typer.Option(
            envvar="JARI_OPENS_AT", formats=TIME_FORMATS, help="UTC; when the sale opens by itself."
        ),
    ] = None,
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Make a schedule. Without a time of opening, 'jari schedule open' opens its sale."""

    async def work() -> int:
        async with opened_stores(read_settings(database=database)) as stores:
            return await Organising(stores.catalogue).create_schedule(
                venue_id=venue,
                kind=kind,
                title=title,
                starts_ms=_milliseconds(starts_at or datetime.now(UTC) + timedelta(days=7)),
                opens_ms=_milliseconds(opens_at) if opens_at else None,
            )

    schedule_id = run(work())
    show({"id": schedule_id}, f"Schedule {schedule_id}.", json=json)


@schedule_app.command("open")
def open_sale(
    schedule_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID)],
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Open a schedule's sale now."""
    run(_organise(database, lambda organising: organising.open_sale(schedule_id)))
    show({"id": schedule_id, "open": True}, f"Schedule {schedule_id} is on sale.", json=json)


@schedule_app.command("close")
def close_sale(
    schedule_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID)],
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Close a schedule's sale; what is held or sold stays so."""
    run(_organise(database, lambda organising: organising.close_sale(schedule_id)))
    show({"id": schedule_id, "open": False}, f"Schedule {schedule_id} is closed.", json=json)


@schedule_app.command("list")
def list_schedules(database: DatabaseOption = None, *, json: JsonOption = False) -> None:
    """List the schedules."""

    async def work() -> list[dict[str, Any]]:
        now_ms = _milliseconds(datetime.now(UTC))
        async with opened_stores(read_settings(database=database)) as stores:
            found: list[Schedule] = []
            while (
                page := await stores.catalogue.schedules(Filter(), offset=len(found), limit=PAGE_SIZE)
            ).items:
                found += page.items
        return [
            {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "venue": each.venue_name,
                "starts": datetime.fromtimestamp(each.starts_ms / 1000, UTC).isoformat(timespec="minutes"),
                "status": each.sale.status(now_ms),
            }
            for each in found
        ]

    rows = run(work())
    show({"schedules": rows}, table(rows), json=json)


@user_app.command("create")
def create_user(
    email: Annotated[str, typer.Option(envvar="JARI_EMAIL")],
    role: Annotated[Role, typer.Option(envvar="JARI_ROLE")] = Role.BUYER,
    name: Annotated[str, typer.Option(envvar="JARI_NAME")] = "",
    password: Annotated[
        str,
        typer.Option(envvar="JARI_PASSWORD", prompt=True, hide_input=True, help="Better by JARI_PASSWORD."),
    ] = "",
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Make an account."""
    settings = read_settings(database=database)

    async def work() -> int:
        passwords = Passwords(settings)
        async with opened_stores(settings) as stores:
            devices = await open_devices(stores.duties, settings)
            accounts = Accounts(stores.accounts, stores.attempts, passwords, devices, settings)
            user = await accounts.sign_up(
                email=email, password=password, name=name or email.partition("@")[0], role=role
            )
        passwords.close()
        return user.id

    user_id = run(work())
    show({"id": user_id, "role": role}, f"User {user_id} ({role}).", json=json)


async def _organise(database: str | None, work: Callable[[Organising], Awaitable[T]]) -> T:
    async with opened_stores(read_settings(database=database)) as stores:
        return await work(Organising(stores.catalogue))


def _tally_line(tally: Tally) -> str:
    done = ", ".join(f"{count} {what}" for what, count in sorted(tally.outcomes.items()))
    return f"{tally.fans} fans; {done or 'nothing yet'}"


def _milliseconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
