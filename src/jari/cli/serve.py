"""``jari serve``: the page and the API."""

from typing import Annotated

import typer

from jari import logs
from jari.cli.terminal import DatabaseOption, fail, read_settings, run
from jari.main import require_workers_allowed
from jari.main import serve as run_server
from jari.settings import BadSetting, Settings
from jari.web.server import warn_of_proxies
from jari.web.workers import Supervisor, Worker


def serve(
    database: DatabaseOption = None,
    redis: Annotated[
        str | None,
        typer.Option(envvar="JARI_REDIS", help="redis://… or redis+cluster://…, beside PostgreSQL."),
    ] = None,
    host: Annotated[str | None, typer.Option(envvar="JARI_HOST")] = None,
    port: Annotated[int | None, typer.Option(envvar="JARI_PORT", min=0, max=65535)] = None,
    workers: Annotated[
        int | None,
        typer.Option(envvar="JARI_WORKERS", min=1, max=64, help="Processes; more than one on PostgreSQL."),
    ] = None,
) -> None:
    """Serve the page and the API."""
    logs.configure()
    settings = read_settings(database=database, redis=redis, host=host, port=port, workers=workers)
    if settings.workers == 1:
        run(run_server(settings))
    else:
        raise typer.Exit(_supervise(settings))


def _supervise(settings: Settings) -> int:
    def work(worker: Worker) -> int:
        logs.name_worker(worker.number)
        try:
            run(run_server(settings.of_worker(), worker=worker))
        except typer.Exit as end:
            return end.exit_code
        return 0

    try:
        require_workers_allowed(settings)
        warn_of_proxies(settings)
        return Supervisor(settings, work).run()
    except BadSetting as refusal:
        fail(str(refusal))
