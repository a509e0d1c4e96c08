"""The demo: a ballpark, an open sale, somebody to log in as, and a crowd in a process of its own."""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console

from jari import plans
from jari.adapters.passwords import ArgonPasswords
from jari.adapters.sql.database import migrate, open_database
from jari.adapters.system import CHANCE, CLOCK
from jari.domain.errors import EmailTaken
from jari.domain.schedules import Kind
from jari.domain.users import Role
from jari.main import open_devices, open_stores, serve
from jari.sandbox.app import build_sandbox
from jari.sandbox.options import DEFAULT_CLIENT_KEY, DEFAULT_SECRET_KEY, Options
from jari.settings import BadSetting, Settings
from jari.usecases.accounts import Accounts
from jari.usecases.organising import Organising

EMAIL, PASSWORD = "fan@example.com", "jari-demo"
ORGANISER = "organiser@example.com"
SANDBOX = "/sandbox"  # the address of the demo's payment gateway, which moves no money
CROWD_SECONDS = 6 * 3600
START_TRIES, START_WAIT_SECONDS = 100, 0.1

SHOWS = (
    ("ballpark", Kind.MATCH, "개막전 · Opening day", 7),
    ("theatre", Kind.PERFORMANCE, "첫 공연 · First night", 14),
)


async def run(*, host: str, port: int, fans: int, directory: Path, console: Console) -> None:
    """Serve the demo until interrupted. Each run makes the demo's database anew."""
    _require_free(host, port)
    _empty(directory)
    url = f"http://{host}:{port}"
    settings = Settings.from_environment(
        os.environ,
        database=f"sqlite:///{directory / 'demo.db'}",
        host=host,
        port=port,
        gateway_url=f"{url}{SANDBOX}",
        gateway_script_url=f"{url}{SANDBOX}/v2/standard",
        gateway_secret_key=DEFAULT_SECRET_KEY,
        gateway_client_key=DEFAULT_CLIENT_KEY,
        # the whole crowd comes from one address
        sign_ups_per_address=1_000_000,
        log_ins_per_address=1_000_000,
    )
    console.print("Building the ballpark …")
    schedule_id = await _prepare(settings)
    inviting = asyncio.create_task(_invite(url, schedule_id, fans, console))
    sandbox = build_sandbox(Options(webhook_url=f"{url}/api/payments/webhook/toss"))
    try:
        await serve(settings, {SANDBOX: sandbox})
    finally:
        await sandbox.close()
        inviting.cancel()
        with suppress(asyncio.CancelledError):
            await inviting


def _require_free(host: str, port: int) -> None:
    """Refuse a port in use before anything is made anew. Else a demo that still runs would lose its database."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadSetting(
                f"Port {port} on {host} is in use: end what runs there, or use --port."
            ) from error


def _empty(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("demo.db*"):
        old.unlink()


async def _prepare(settings: Settings) -> int:
    """Make tables, venues, open sales and accounts. Returns the id of the first schedule."""
    database = open_database(settings)
    await migrate(database)
    await database.close()
    stores = await open_stores(settings)
    organising = Organising(stores.catalogue, stores.news)
    schedule_ids = []
    for sample, kind, title, days in SHOWS:
        venue = plans.read_plan(plans.sample(sample), file=f"{sample}.json")
        venue_id, _ = await organising.import_venue(venue)
        starts = (datetime.now(UTC) + timedelta(days=days)).replace(hour=5, minute=0, second=0)
        schedule_id = await organising.create_schedule(
            venue_id=venue_id, kind=kind, title=title, starts_ms=int(starts.timestamp() * 1000), opens_ms=None
        )
        await organising.open_sale(schedule_id)
        schedule_ids.append(schedule_id)
    passwords = ArgonPasswords(settings)
    devices = await open_devices(stores.duties, settings)
    accounts = Accounts(
        stores.accounts, stores.attempts, stores.news, passwords, devices, CLOCK, CHANCE, settings
    )
    for email, name, role in ((EMAIL, "Fan", Role.BUYER), (ORGANISER, "Organiser", Role.ORGANISER)):
        with suppress(EmailTaken):
            await accounts.sign_up(email=email, password=PASSWORD, name=name, role=role)
    passwords.close()
    await stores.close()
    return schedule_ids[0]


async def _invite(url: str, schedule_id: int, fans: int, console: Console) -> None:
    """When the server answers, say where to look. Then let the crowd in until the demo ends."""
    if not await _is_up(url):
        return
    block_id = await _first_block(url, schedule_id)
    streams = f"{url}/api/matches/{schedule_id}/blocks/{block_id}/seats/status-stream"
    console.print(
        f"\n  Open       {url}/matches/{schedule_id}\n"
        f"  Log in as  {EMAIL} / {PASSWORD}\n"
        f"  At the door  {ORGANISER} / {PASSWORD} takes tickets: POST {url}/api/tickets/check-in\n"
        f"  Pay with the test cards of the sandbox; no money moves.\n\n"
        f"  Follow one block:  curl -N {streams}\n"
        f"  Follow the match:  curl -N {url}/api/schedules/{schedule_id}/seats/stream\n\n"
        f"  {fans} fans are coming in. Ctrl-C ends it.\n",
        soft_wrap=True,
        markup=False,
    )
    if fans == 0:
        return
    arguments = (
        "--url",
        url,
        "--schedule",
        str(schedule_id),
        "--fans",
        str(fans),
        "--seconds",
        str(CROWD_SECONDS),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "jari", "crowd", *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_up(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        for _ in range(START_TRIES):
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}/readyz")).is_success:
                    return True
            await asyncio.sleep(START_WAIT_SECONDS)
    return False


async def _first_block(url: str, schedule_id: int) -> int:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/api/matches/{schedule_id}/blocks")
        return int(answer.json()["data"]["blocks"][0]["id"])
