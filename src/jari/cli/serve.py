"""``jari serve``: the page and the API."""

from typing import Annotated

import typer

from jari import logs
from jari.cli.terminal import DatabaseOption, read_settings, run
from jari.main import serve as run_server


def serve(
    database: DatabaseOption = None,
    host: Annotated[str | None, typer.Option(envvar="JARI_HOST")] = None,
    port: Annotated[int | None, typer.Option(envvar="JARI_PORT", min=0, max=65535)] = None,
) -> None:
    """Serve the page and the API."""
    logs.configure()
    run(run_server(read_settings(database=database, host=host, port=port)))
