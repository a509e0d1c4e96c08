"""The system's Chromium, and its console under watch."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from support.databases import sqlite_in
from support.sandboxes import Sandbox
from support.servers import Server
from support.worlds import Match, World

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
    }


@pytest.fixture
def faults(page: Page) -> Iterator[list[str]]:
    """What went wrong in the page; a refused script or style is among it. Must be empty in the end."""
    seen: list[str] = []
    watch(page, seen)
    yield seen
    assert seen == []


def watch(page: Page, seen: list[str]) -> None:
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on(
        "console",
        lambda message: seen.append(message.text) if "Content Security Policy" in message.text else None,
    )


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a browser of its own, with the options of a context; none may have faults."""
    contexts: list[BrowserContext] = []
    seen: list[str] = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        watch(page, seen)
        return page

    yield make
    for context in contexts:
        context.close()
    assert seen == []


@pytest.fixture(scope="session")
def stadium_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the browser tests' own: in the shared one, the list of matches has many pages."""
    return sqlite_in(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def page_server(stadium_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(stadium_url, tmp_path_factory.mktemp("page") / "server.log")
    yield server.start()
    server.kill()


@pytest.fixture(scope="session")
def page_world(stadium_url: str) -> Iterator[World]:
    world = World(stadium_url)
    yield world
    world.close()


@pytest.fixture(scope="session")
def ballpark(page_world: World) -> Match:
    return page_world.ballpark()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A payment gateway to pay at."""
    made = Sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.log")
    yield made.start()
    made.kill()


@pytest.fixture(scope="session")
def paying(sandbox: Sandbox) -> dict[str, object]:
    """The settings of a server whose buyers pay at the sandbox, and which soon asks again after a payment."""
    return {
        "gateway_url": sandbox.url,
        # Another site than the server's to a browser, as the real gateway is: the way back is a cross-site one.
        "gateway_script_url": f"{sandbox.url.replace('127.0.0.1', 'localhost')}/v2/standard",
        "gateway_secret_key": sandbox.secret_key,
        "gateway_client_key": "test_ck_for_the_tests_of_jari",
        "gateway_timeout_seconds": 2,
        "payment_patience_seconds": 5,
        "payment_retry_min_seconds": 1,
        "payment_retry_max_seconds": 2,
        "duty_ms": 200,
    }


@pytest.fixture(scope="session")
def shop_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the checkout's own."""
    return sqlite_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop_server(
    shop_url: str, paying: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(shop_url, tmp_path_factory.mktemp("shop-log") / "server.log", **paying)
    yield server.start()
    server.kill()


@pytest.fixture(scope="session")
def shop_world(shop_url: str) -> Iterator[World]:
    world = World(shop_url)
    yield world
    world.close()
