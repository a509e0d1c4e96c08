"""What the store of accounts must do, on SQLite and on PostgreSQL."""

import asyncio

import pytest
from sqlalchemy import update

from jari.adapters.sql.tables import attempts, sessions
from jari.domain.errors import EmailTaken
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.ports import RequestKey, StoredAnswer
from jari.settings import Settings

MINUTE = 60_000


@pytest.fixture
async def stores(database_url):
    stores = await open_stores(Settings(database=database_url))
    yield stores
    await stores.close()


@pytest.fixture
def accounts(stores):
    return stores.accounts


@pytest.fixture
def pass_time(stores):
    """Let so many milliseconds pass for the store: as if all that is there had been written earlier."""

    async def age(passed_ms):
        async with stores.database.write() as connection:
            for column in (sessions.c.expires_ms, sessions.c.ended_ms, attempts.c.window_ends_ms):
                await connection.execute(update(column.table).values({column: column - passed_ms}))

    return age


def add(accounts, email="kim@example.com", *, name="김 철수", role=Role.BUYER, request=None):
    return accounts.add_user(email=email, name=name, password_hash="a hash", role=role, request=request)


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


async def test_a_session_is_good_until_its_end(accounts, pass_time):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, MINUTE)
    assert await accounts.sessions([token(1)]) == {token(1): user}
    await pass_time(MINUTE)
    assert await accounts.sessions([token(1)]) == {}


async def test_only_the_good_ones_of_many_sessions_are_found(accounts, pass_time):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com", role=Role.ORGANISER)
    await accounts.add_session(token(3), kim.id, MINUTE)
    await pass_time(MINUTE)
    for number, user in ((1, kim), (2, lee), (4, kim)):
        await accounts.add_session(token(number), user.id, MINUTE)
    await accounts.end_session(token(4))
    asked = [token(number) for number in range(1, 6)]
    assert await accounts.sessions(asked) == {token(1): kim, token(2): lee}
    assert await accounts.sessions([]) == {}


async def test_an_ended_session_is_told_to_those_who_look_in_time(accounts, pass_time):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, 3 * MINUTE)
    await accounts.add_session(token(2), user.id, 3 * MINUTE)
    await accounts.end_session(token(1))
    await accounts.end_session(token(9))  # there is none such
    assert list(await accounts.ended_sessions(MINUTE)) == [token(1)]
    await pass_time(2 * MINUTE)
    assert list(await accounts.ended_sessions(MINUTE)) == []
    assert (await accounts.sessions([token(1), token(2)])).keys() == {token(2)}


async def test_a_session_ends_once(accounts, pass_time):
    user = await add(accounts)
    await accounts.add_session(token(1), user.id, 3 * MINUTE)
    await accounts.end_session(token(1))
    await pass_time(2 * MINUTE)
    await accounts.end_session(token(1))
    assert list(await accounts.ended_sessions(MINUTE)) == []


# --- forgetting


async def test_what_has_ended_is_forgotten_and_nothing_else(accounts, pass_time):
    user = await add(accounts)
    for number, lifetime_ms in ((1, MINUTE), (2, 3 * MINUTE)):
        await accounts.add_session(token(number), user.id, lifetime_ms)
        await accounts.end_session(token(number))
    await accounts.count_attempt("past", MINUTE)
    await accounts.count_attempt("present", 3 * MINUTE)
    await pass_time(2 * MINUTE)
    await accounts.forget_ended()
    await pass_time(-2 * MINUTE)  # what is still there would count again
    assert await accounts.ended_sessions(MINUTE) == [token(2)]
    assert (await accounts.count_attempt("present", MINUTE))[0] == 2
    assert (await accounts.count_attempt("past", MINUTE))[0] == 1
    assert await accounts.user_by_email(user.email) is not None
