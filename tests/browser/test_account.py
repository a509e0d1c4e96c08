"""The account on the page: a new password, and logging out everywhere."""

import secrets
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from support.servers import Server

PASSWORD, OTHER = "correct horse battery", "another battery"
SIZES = [{"width": 390, "height": 844}, {"width": 1280, "height": 800}]

OpenPage = Callable[..., Page]


@pytest.fixture
def email(page_server: Server) -> str:
    email = f"{secrets.token_hex(6)}@example.com"
    body = {"email": email, "password": PASSWORD, "name": "김민지"}
    assert httpx.post(f"{page_server.url}/api/sign-up", json=body).status_code == 201
    return email


def enter(page: Page, server: Server, email: str, password: str) -> None:
    page.goto(server.url)
    page.get_by_test_id("log-in-button").click()
    page.get_by_test_id("email-input").fill(email)
    page.get_by_test_id("password-input").fill(password)
    page.get_by_test_id("account-submit").click()


def change_password(page: Page, present: str, new: str) -> None:
    page.get_by_test_id("present-password-input").fill(present)
    page.get_by_test_id("new-password-input").fill(new)
    page.get_by_test_id("password-submit").click()


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desktop"])
def test_a_password_is_changed_and_every_other_browser_is_logged_out(
    open_page: OpenPage, page_server: Server, email: str, size: dict[str, int]
) -> None:
    page, other = open_page(viewport=size, locale="ko-KR"), open_page(locale="ko-KR")
    for each in (page, other):
        enter(each, page_server, email, PASSWORD)
        expect(each.get_by_test_id("account-name")).to_have_text("김민지")
    page.get_by_test_id("my-account-button").click()
    expect(page.get_by_test_id("my-email")).to_have_value(email)
    change_password(page, "a guess", OTHER)
    expect(page.get_by_test_id("password-error")).to_have_text(
        "현재 비밀번호가 맞지 않아 변경하지 않았습니다."
    )
    change_password(page, PASSWORD, "short")
    expect(page.get_by_test_id("password-error")).to_have_text("비밀번호는 8자 이상 128자 이하입니다.")
    change_password(page, PASSWORD, OTHER)
    expect(page.get_by_test_id("message")).to_contain_text("비밀번호를 변경했습니다.")
    expect(page.get_by_test_id("my-account-dialog")).to_be_hidden()
    page.reload()
    expect(page.get_by_test_id("account-name")).to_have_text("김민지")
    other.reload()
    expect(other.get_by_test_id("log-in-button")).to_be_visible()
    enter(other, page_server, email, OTHER)
    expect(other.get_by_test_id("account-name")).to_have_text("김민지")


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desktop"])
def test_one_browser_logs_all_of_them_out(
    open_page: OpenPage, page_server: Server, email: str, size: dict[str, int]
) -> None:
    page, other = open_page(viewport=size, locale="en-GB"), open_page(locale="en-GB")
    for each in (page, other):
        enter(each, page_server, email, PASSWORD)
        each.get_by_test_id("my-account-button").click()
    page.get_by_test_id("log-out-everywhere-button").click()
    expect(page.get_by_test_id("message")).to_contain_text("You are logged out everywhere.")
    expect(page.get_by_test_id("log-in-button")).to_be_visible()
    expect(page.get_by_test_id("my-account-button")).to_be_hidden()
    # the other one finds out as soon as it asks for something
    change_password(other, PASSWORD, OTHER)
    expect(other.get_by_test_id("my-account-dialog")).to_be_hidden()
    expect(other.get_by_test_id("log-in-button")).to_be_visible()


def test_logging_out_leaves_other_browsers_alone(
    open_page: OpenPage, page_server: Server, email: str
) -> None:
    page, other = open_page(), open_page()
    for each in (page, other):
        enter(each, page_server, email, PASSWORD)
        each.get_by_test_id("my-account-button").click()
    page.get_by_test_id("log-out-button").click()
    expect(page.get_by_test_id("log-in-button")).to_be_visible()
    other.reload()
    expect(other.get_by_test_id("account-name")).to_be_visible()
