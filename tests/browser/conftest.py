"""The system's Chromium, and its console under watch."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from support.databases import make_tables, run_apart
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
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on(
        "console",
        lambda message: seen.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield seen
    assert seen == []


@pytest.fixture(scope="session")
def stadium_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the browser tests' own: in the shared one, the list of matches has many pages."""
    url = f"sqlite:///{tmp_path_factory.mktemp('browser') / 'jari.db'}"
    run_apart(make_tables(url))
    return url


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
