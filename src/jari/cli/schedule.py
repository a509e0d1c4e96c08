"""``jari schedule …``: schedules and their sales."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from jari.cli.terminal import (
    DatabaseOption,
    JsonOption,
    opened_stores,
    read_settings,
    run,
    show,
    table,
)
from jari.domain.ids import MAX_ID
from jari.domain.schedules import Filter, Kind, Schedule
from jari.usecases.organising import Organising

T = TypeVar("T")

PAGE_SIZE = 1_000  # schedules read at a time
TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]

schedule_app = typer.Typer(no_args_is_help=True, help="Make schedules; open and close their sales.")


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
            return await Organising(stores.catalogue, stores.news).create_schedule(
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
            schedules: list[Schedule] = []
            while (
                page := await stores.catalogue.schedules(Filter(), offset=len(schedules), limit=PAGE_SIZE)
            ).items:
                schedules += page.items
        return [
            {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "venue": each.venue_name,
                "starts": datetime.fromtimestamp(each.starts_ms / 1000, UTC).isoformat(timespec="minutes"),
                "status": each.sale.status(now_ms),
            }
            for each in schedules
        ]

    rows = run(work())
    show({"schedules": rows}, table(rows), json=json)


async def _organise(database: str | None, work: Callable[[Organising], Awaitable[T]]) -> T:
    async with opened_stores(read_settings(database=database)) as stores:
        return await work(Organising(stores.catalogue, stores.news))


def _milliseconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
