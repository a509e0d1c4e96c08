"""``jari venue …``: venues in and out."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from jari import plans
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
from jari.usecases.organising import Organising

venue_app = typer.Typer(no_args_is_help=True, help="Bring venues in and out.")


class PlanFormat(StrEnum):
    """The formats of seating plans; see `jari.plans`."""

    NATIVE = "native"
    PRETIX = "pretix"
    CSV = "csv"


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
            venue_id, is_new = await Organising(stores.catalogue, stores.news).import_venue(venue)
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
