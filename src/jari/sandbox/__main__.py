"""``python -m jari.sandbox``: a sandbox in a process of its own. Every option is also ``JARI_SANDBOX_<NAME>``."""

import asyncio
import socket
from typing import Annotated

import typer
import uvicorn
import uvloop

from jari.sandbox.app import build_sandbox
from jari.sandbox.options import DEFAULT_SECRET_KEY, Options
from jari.sandbox.silence import AbortableProtocol

MAX_CONNECTIONS = 2_000
END_SECONDS = 1  # the server does not wait for calls that are slow on purpose


class Server(uvicorn.Server):
    """Prints its address once it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                typer.echo(f"sandbox: http://{f'[{host}]' if ':' in host else host}:{port}")


def run(
    host: Annotated[str, typer.Option(envvar="JARI_SANDBOX_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="JARI_SANDBOX_PORT", min=0, max=65535)] = 9000,
    secret_key: Annotated[str, typer.Option(envvar="JARI_SANDBOX_SECRET_KEY")] = DEFAULT_SECRET_KEY,
    webhook_url: Annotated[str, typer.Option(envvar="JARI_SANDBOX_WEBHOOK_URL", help="Off when empty.")] = "",
    webhook_backoff_seconds: Annotated[
        float, typer.Option(envvar="JARI_SANDBOX_WEBHOOK_BACKOFF_SECONDS", min=0)
    ] = 1.0,
    delay_seconds: Annotated[
        float, typer.Option(envvar="JARI_SANDBOX_DELAY_SECONDS", min=0, help="Of every answer of the API.")
    ] = 0.0,
    slow_card_seconds: Annotated[float, typer.Option(envvar="JARI_SANDBOX_SLOW_CARD_SECONDS", min=0)] = 30.0,
) -> None:
    """Serve a payment gateway where no money moves, with its control endpoints open to this machine."""
    options = Options(
        secret_key=secret_key,
        webhook_url=webhook_url or None,
        webhook_backoff_seconds=webhook_backoff_seconds,
        delay_seconds=delay_seconds,
        slow_card_seconds=slow_card_seconds,
        control=True,
    )
    config = uvicorn.Config(
        build_sandbox(options),
        host=host,
        port=port,
        http=AbortableProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=END_SECONDS,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Server(config).serve())


if __name__ == "__main__":
    typer.run(run)
