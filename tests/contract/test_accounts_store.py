"""What the store of accounts must do, on SQLite and on PostgreSQL."""

import asyncio

import pytest

from jari.domain.errors import EmailTaken
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.ports import RequestKey, StoredAnswer
from jari.settings import Settings

NOW = 1_900_000_000_000
MINUTE = 60_000


@pytest.fixture
async def accounts(database_url):
    stores = await open_stores(Settings(database=database_url))
    yield stores.accounts
    await stores.close()


def add(accounts, email="kim@example.com", *, name="김 철수", role=Role.BUYER, request=None):
    return accounts.add_user(
        email=email, name=name, password_hash="a hash", role=role, created_ms=NOW, request=request
    )


def token(number):
    return bytes([number]) * 32


# --- users


@pytest.mark.parametrize("role", Role)
async def test_a_user_is_found_again_by_address_with_the_hash(accounts, role):
    user = await add(accounts, role=role)
    assert user == User(user.id, "kim@example.com", "김 철수", role)
    assert await accounts.user_by_email("kim@example.com") == (user, "a hash")


async def test_an_unknown_address_is_nobodys(accounts):
    await add(accounts)
    assert await accounts.user_by_email("lee@example.com") is None


async def test_users_have_ids_of_their_own(accounts):
    assert (await add(accounts, "a@example.com")).id != (await add(accounts, "b@example.com")).id


async def test_an_address_is_taken_once(accounts):
    first = await add(accounts)
    with pytest.raises(EmailTaken, match="log in"):
        await add(accounts, name="Somebody else")
    assert await accounts.user_by_email("kim@example.com") == (first, "a hash")


async def test_of_many_who_want_one_address_at_once_one_gets_it(accounts):
    tries = await asyncio.gather(*(add(accounts) for _ in range(8)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in tries) == ["EmailTaken"] * 7 + ["User"]


async def test_a_sign_up_is_remembered_under_its_key(accounts):
    request = RequestKey("sign-up", "key", "print")
    user = await add(accounts, request=request)
    assert await accounts.sign_up_of(RequestKey("sign-up", "key", "another print")) == StoredAnswer(
        request, str(user.id)
    )
    assert await accounts.sign_up_of(RequestKey("sign-up", "other", "print")) is None
    assert await accounts.sign_up_of(RequestKey("user-1", "key", "print")) is None


async def test_a_refused_sign_up_leaves_no_key_behind(accounts):
    await add(accounts)
    request = RequestKey("sign-up", "key", "print")
    with pytest.raises(EmailTaken):
        await add(accounts, request=request)
    assert await accounts.sign_up_of(request) is None


# --- sessions


async def test_a_session_is_good_until_its_end(accounts):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, NOW)
    assert await accounts.sessions([token(1)], NOW - 1) == {token(1): user}
    assert await accounts.sessions([token(1)], NOW) == {}


async def test_only_the_good_ones_of_many_sessions_are_found(accounts):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com", role=Role.ORGANISER)
    for number, user, expires_ms in ((1, kim, NOW), (2, lee, NOW), (3, kim, NOW - MINUTE), (4, kim, NOW)):
        await accounts.add_session(token(number), user.id, expires_ms)
    await accounts.end_session(token(4), NOW - MINUTE)
    asked = [token(number) for number in range(1, 6)]
    assert await accounts.sessions(asked, NOW - 1) == {token(1): kim, token(2): lee}
    assert await accounts.sessions([], NOW - 1) == {}


async def test_an_ended_session_is_told_to_those_who_look(accounts):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, NOW + MINUTE)
    await accounts.add_session(token(2), user.id, NOW + MINUTE)
    await accounts.end_session(token(1), NOW)
    await accounts.end_session(token(9), NOW)  # there is none such
    assert list(await accounts.ended_sessions(NOW)) == [token(1)]
    assert list(await accounts.ended_sessions(NOW + 1)) == []
    assert (await accounts.sessions([token(1), token(2)], NOW)).keys() == {token(2)}


async def test_a_session_ends_once(accounts):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, NOW + MINUTE)
    await accounts.end_session(token(1), NOW)
    await accounts.end_session(token(1), NOW + 5)
    assert list(await accounts.ended_sessions(NOW + 1)) == []


# --- forgetting


async def test_what_has_ended_is_forgotten_and_nothing_else(accounts):
    user = await add(accounts)
    for number, expires_ms in ((1, NOW - 1), (2, NOW), (3, NOW + MINUTE)):
        await accounts.add_session(token(number), user.id, expires_ms)
        await accounts.end_session(token(number), NOW - MINUTE)
    await accounts.count_attempt("past", MINUTE, NOW - MINUTE - 1)
    await accounts.count_attempt("present", MINUTE, NOW - MINUTE + 1)
    await accounts.forget_before(NOW)
    assert sorted(await accounts.ended_sessions(0)) == [token(2), token(3)]
    assert await accounts.count_attempt("present", MINUTE, NOW) == (2, NOW + 1)
    assert await accounts.count_attempt("past", 2 * MINUTE, NOW - 2 * MINUTE) == (1, NOW)
    assert await accounts.user_by_email(user.email) is not None
