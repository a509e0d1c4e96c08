"""``jari demo``: a ballpark with an open sale and a crowd, in one command."""

from pathlib import Path
from typing import Annotated

import typer

from jari import demo as demonstration
from jari import logs
from jari.cli.terminal import console, run


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
