"""The files of the page: all of them are served, and browsers are told of the modules at once."""

import mimetypes
import re

import httpx
import pytest
from playwright.sync_api import Page

from jari.web.site.pages import STATIC, release
from support.servers import Server

FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*"))
# How many bytes came over the network for each file of this page.
TRANSFERRED = """
() => Object.fromEntries(performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("/static/")).map(({ name, transferSize }) => [name, transferSize]))
"""
MODULES = [name for name in FILES if name.endswith(".js")]


@pytest.mark.parametrize("folder", ["", "@of-another-release/"])
def test_every_file_is_served_as_what_it_is_and_asked_for_again(page_server: Server, folder: str) -> None:
    with httpx.Client(base_url=page_server.url) as client:
        for name in FILES:
            answer = client.get(f"/static/{folder}{name}")
            assert answer.status_code == 200, name
            assert answer.content == (STATIC / name).read_bytes()
            assert answer.headers["content-type"].partition(";")[0] == mimetypes.guess_type(name)[0]
            assert answer.headers["cache-control"] == "no-cache"
            known = client.get(f"/static/{folder}{name}", headers={"If-None-Match": answer.headers["etag"]})
            assert known.status_code == 304, name


def test_a_browser_asks_once_for_the_files_of_a_release(
    page: Page, faults: list[str], page_server: Server
) -> None:
    page.goto(page_server.url, wait_until="networkidle")
    first = page.evaluate(TRANSFERRED)
    page.goto(f"{page_server.url}/reservations", wait_until="networkidle")
    second = page.evaluate(TRANSFERRED)
    assert sum(size > 0 for size in first.values()) > len(MODULES) / 2  # what one page uses twice comes once
    again = first.keys() & second.keys()
    assert len(again) > len(MODULES)
    assert [url for url in again if second[url] > 0] == []


@pytest.mark.parametrize("path", ["/static/", "/static/nothing.js", "/static/map", "/static/../pages.py"])
def test_what_is_no_file_of_the_page_is_not_there(page_server: Server, path: str) -> None:
    assert httpx.get(f"{page_server.url}{path}").status_code == 404


def test_the_document_names_every_module_and_the_page_loads_no_other(
    page: Page, faults: list[str], page_server: Server
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_server.url, wait_until="networkidle")
    ours = f"/static/{release()}/"
    named = re.findall(rf'rel="modulepreload" href="{ours}([^"]+)"', httpx.get(page_server.url).text)
    assert named == MODULES
    loaded = [url.removeprefix(f"{page_server.url}{ours}") for url in asked if url.endswith(".js")]
    assert sorted(loaded) == MODULES
