"""``jari migrate``: the database's tables, made or brought up to date."""

from typing import Annotated

import typer

from jari.adapters.sql.catalogue import SqlCatalogueStore
from jari.adapters.sql.database import migrate as migrate_database
from jari.adapters.sql.database import open_database
from jari.adapters.sql.reservations import SqlReservationStore
from jari.cli.terminal import DatabaseOption, JsonOption, read_settings, run, show

NUMBERS_LOST = 1_000_000  # more reservations than were made since any backup


def migrate(
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
            revision = await migrate_database(opened)
            if restored:
                await SqlCatalogueStore(opened).renew_epochs()
                await SqlReservationStore(opened).take_numbers(NUMBERS_LOST)
        finally:
            await opened.close()
        return revision

    revision = run(work())
    show({"revision": revision}, f"The database is at schema {revision}.", json=json)
