"""``jari relay …``: events passed on by a process of its own."""

from typing import Annotated

import prometheus_client
import typer

from jari import logs
from jari.cli.terminal import DatabaseOption, fail, read_settings, require_shared, run
from jari.main import relay_events

relay_app = typer.Typer(no_args_is_help=True, help="Pass events on, in a process of its own.")


@relay_app.callback()
def group() -> None:
    """Pass events on, in a process of its own."""


@relay_app.command("kafka")
def kafka(
    brokers: Annotated[
        str | None,
        typer.Option("--kafka", envvar="JARI_KAFKA", help="Brokers to begin with: HOST:PORT,HOST:PORT"),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(envvar="JARI_METRICS_PORT", min=1, max=65535, help="Tell /metrics at this port."),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Send every event to Kafka until told to end; one process does it at a time."""
    logs.configure()
    settings = read_settings(database=database, kafka=brokers)
    if not settings.kafka:
        fail("Name Kafka's brokers with --kafka, or JARI_KAFKA: kafka-1:9092,kafka-2:9092.")

    async def work() -> None:
        require_shared(settings)
        if metrics_port is not None:
            prometheus_client.start_http_server(metrics_port, settings.host)
        await relay_events(settings)

    run(work())
