"""``jari webhook …``: who is told of what happens, and what could not be told."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from jari.adapters.system import CHANCE
from jari.cli.terminal import (
    DatabaseOption,
    JsonOption,
    fail,
    opened_stores,
    read_settings,
    run,
    show,
    table,
)
from jari.domain.ids import MAX_ID
from jari.domain.webhooks import DEFAULT_PATTERNS, show_secret
from jari.ports.webhooks import Delivery
from jari.usecases.webhooks import create_webhook

MAX_LETTERS = 1_000

webhook_app = typer.Typer(
    no_args_is_help=True, help="Tell others what happens; look after what did not arrive."
)


@webhook_app.command("create")
def create(
    url: Annotated[str, typer.Option(envvar="JARI_URL", help="Where events are sent by POST.")],
    kinds: Annotated[
        str,
        typer.Option(
            envvar="JARI_KINDS", help="With commas between, e.g. reservation.confirmed,refund.*,seats.*"
        ),
    ] = ",".join(DEFAULT_PATTERNS),
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Send events to an address from now on. The secret that signs them is shown this once."""
    settings = read_settings(database=database)

    async def work() -> dict[str, Any]:
        patterns = [each.strip() for each in kinds.split(",") if each.strip()]
        async with opened_stores(settings) as stores:
            made = await create_webhook(stores.webhooks, url, patterns, CHANCE, settings)
        return {"id": made.id, "url": made.url, "kinds": made.patterns, "secret": show_secret(made.secret)}

    made = run(work())
    show(made, f"Webhook {made['id']}. Its secret, shown this once: {made['secret']}", json=json)


@webhook_app.command("list")
def list_webhooks(database: DatabaseOption = None, *, json: JsonOption = False) -> None:
    """List the webhooks, and how many deliveries wait or are dead letters."""

    async def work() -> list[dict[str, Any]]:
        async with opened_stores(read_settings(database=database)) as stores:
            return [
                {
                    "id": webhook.id,
                    "url": webhook.url,
                    "kinds": ",".join(webhook.patterns),
                    "since": _minute(webhook.created_ms),
                    "waiting": waiting,
                    "dead": dead,
                }
                for webhook, waiting, dead in await stores.webhooks.counts()
            ]

    rows = run(work())
    show({"webhooks": rows}, table(rows), json=json)


@webhook_app.command("remove")
def remove(
    webhook_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID)],
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Send nothing there any more, and forget its deliveries."""

    async def work() -> None:
        async with opened_stores(read_settings(database=database)) as stores:
            await stores.webhooks.remove(webhook_id)

    run(work())
    show({"id": webhook_id, "removed": True}, f"Webhook {webhook_id} is gone.", json=json)


@webhook_app.command("dead")
def list_dead(
    limit: Annotated[int, typer.Option(envvar="JARI_LIMIT", min=1, max=MAX_LETTERS)] = 50,
    database: DatabaseOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """List the dead letters: deliveries that are not tried any more, the latest first."""

    async def work() -> list[dict[str, Any]]:
        async with opened_stores(read_settings(database=database)) as stores:
            return [_letter(each) for each in await stores.webhooks.dead(limit)]

    rows = run(work())
    show({"dead": rows}, table(rows), json=json)


@webhook_app.command("retry")
def retry(
    ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]...", min=1, max=MAX_ID, help="As 'jari webhook dead' says."),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", envvar="JARI_ALL", help="All dead letters.")] = False,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Try dead letters again from the beginning."""
    if bool(ids) == every:
        fail("Name the dead letters by their ids, or say --all: see 'jari webhook dead'.")

    async def work() -> int:
        async with opened_stores(read_settings(database=database)) as stores:
            return await stores.webhooks.revive(ids or None)

    count = run(work())
    show({"retried": count}, f"{count} deliveries are on their way again.", json=json)


def _letter(each: Delivery) -> dict[str, Any]:
    return {
        "id": each.id,
        "webhook": each.webhook_id,
        "event": each.event_id,
        "kind": each.kind,
        "at": _minute(each.created_ms),
        "tries": each.attempt,
        "error": each.error,
    }


def _minute(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="minutes")
