"""What the store of accounts must do, on SQLite, on PostgreSQL and in memory."""

import asyncio

import pytest

from jari.domain.errors import EmailTaken
from jari.domain.users import Role, User
from jari.main import open_stores
from jari.ports.answers import RequestKey, StoredAnswer
from jari.settings import Settings
from support.backdoors import backdoor_of

MINUTE = 60_000


@pytest.fixture
async def stores(store_url):
    stores = await open_stores(Settings(database=store_url))
    yield stores
    await stores.close()


@pytest.fixture
def accounts(stores):
    return stores.accounts


@pytest.fixture
def pass_time(stores):
    """Let so many milliseconds pass for the store."""
    return backdoor_of(stores).pass_time


def add(accounts, email="kim@example.com", *, name="김 철수", role=Role.BUYER, request=None):
    return accounts.add_user(email=email, name=name, password_hash="a hash", role=role, request=request)


def token(number):
    return bytes([number]) * 32


def begin(accounts, number, user, lifetime_ms=MINUTE, *, password_hash="a hash", max_sessions=20):
    return accounts.add_session(
        token(number), user.id, password_hash, lifetime_ms=lifetime_ms, max_sessions=max_sessions
    )


async def good(accounts):
    """The numbers of the sessions that are good."""
    return sorted(found[0] for found in await accounts.sessions([token(number) for number in range(1, 40)]))


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
    await begin(accounts, 1, user, MINUTE)
    assert await accounts.sessions([token(1)]) == {token(1): user}
    await pass_time(MINUTE)
    assert await accounts.sessions([token(1)]) == {}


async def test_only_the_good_ones_of_many_sessions_are_found(accounts, pass_time):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com", role=Role.ORGANISER)
    await begin(accounts, 3, kim, MINUTE)
    await pass_time(MINUTE)
    for number, user in ((1, kim), (2, lee), (4, kim)):
        await begin(accounts, number, user, MINUTE)
    await accounts.end_session(token(4))
    asked = [token(number) for number in range(1, 6)]
    assert await accounts.sessions(asked) == {token(1): kim, token(2): lee}
    assert await accounts.sessions([]) == {}


async def test_a_role_that_only_a_later_version_knows_costs_nobody_else_their_session(accounts):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com", role="stagehand")
    for number, user in ((1, kim), (2, lee)):
        await begin(accounts, number, user)
    assert await accounts.sessions([token(1), token(2)]) == {token(1): kim, token(2): lee}
    assert (await accounts.user_by_email("lee@example.com"))[0].role == "stagehand"


async def test_an_ended_session_is_told_to_those_who_look_in_time(accounts, pass_time):
    user = await add(accounts)
    await begin(accounts, 1, user, 3 * MINUTE)
    await begin(accounts, 2, user, 3 * MINUTE)
    await accounts.end_session(token(1))
    await accounts.end_session(token(9))  # there is none such
    assert list(await accounts.ended_sessions(MINUTE)) == [token(1)]
    await pass_time(2 * MINUTE)
    assert list(await accounts.ended_sessions(MINUTE)) == []
    assert (await accounts.sessions([token(1), token(2)])).keys() == {token(2)}


async def test_a_session_ends_once(accounts, pass_time):
    user = await add(accounts)
    await begin(accounts, 1, user, 3 * MINUTE)
    await accounts.end_session(token(1))
    await pass_time(2 * MINUTE)
    await accounts.end_session(token(1))
    assert list(await accounts.ended_sessions(MINUTE)) == []


async def test_beyond_the_limit_the_oldest_session_ends(accounts, pass_time):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com")
    await begin(accounts, 9, lee, 3 * MINUTE, max_sessions=2)
    ended = []
    for number in (1, 2, 3, 4):
        ended += await begin(accounts, number, kim, 3 * MINUTE, max_sessions=2)
        await pass_time(1)
    assert ended == [token(1), token(2)]
    assert await good(accounts) == [3, 4, 9]
    assert sorted(await accounts.ended_sessions(MINUTE)) == ended


async def test_of_many_log_ins_at_once_no_more_than_the_limit_are_left(accounts):
    user = await add(accounts)
    await asyncio.gather(*(begin(accounts, number, user, max_sessions=3) for number in range(1, 13)))
    assert len(await good(accounts)) == 3


async def test_all_sessions_of_a_user_end_together(accounts):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com")
    for number, user in ((1, kim), (2, kim), (3, lee)):
        await begin(accounts, number, user)
    assert sorted(await accounts.end_sessions(kim.id)) == [token(1), token(2)]
    assert list(await accounts.end_sessions(kim.id)) == []
    assert await good(accounts) == [3]


async def test_a_change_of_password_ends_all_other_sessions(accounts):
    kim, lee = await add(accounts), await add(accounts, "lee@example.com")
    for number, user in ((1, kim), (2, kim), (3, lee)):
        await begin(accounts, number, user)
    assert list(await accounts.change_password(kim.id, "a hash", "another", token(1))) == [token(2)]
    assert await accounts.user_by_email(kim.email) == (kim, "another")
    assert await accounts.user_by_email(lee.email) == (lee, "a hash")
    assert await good(accounts) == [1, 3]


async def test_a_password_that_was_changed_meanwhile_is_left_alone(accounts):
    kim = await add(accounts)
    await begin(accounts, 1, kim)
    assert await accounts.change_password(kim.id, "an older hash", "another", token(1)) is None
    assert await accounts.user_by_email(kim.email) == (kim, "a hash")


async def test_nobody_logs_in_with_a_password_that_was_changed_meanwhile(accounts):
    """Whoever knew the old one could otherwise begin a session that the change does not end."""
    kim = await add(accounts)
    await begin(accounts, 1, kim)
    outcomes = await asyncio.gather(
        accounts.change_password(kim.id, "a hash", "another", token(1)),
        *(begin(accounts, number, kim) for number in range(2, 10)),
    )
    assert outcomes[0] is not None
    assert await begin(accounts, 10, kim) is None
    assert await good(accounts) == [1]


# --- forgetting


async def test_what_has_ended_is_forgotten_and_nothing_else(accounts, pass_time):
    user = await add(accounts)
    for number, lifetime_ms in ((1, MINUTE), (2, 3 * MINUTE)):
        await begin(accounts, number, user, lifetime_ms)
        await accounts.end_session(token(number))
    await pass_time(2 * MINUTE)
    await accounts.forget_ended()
    await pass_time(-2 * MINUTE)  # what is still there would count again
    assert await accounts.ended_sessions(MINUTE) == [token(2)]
    assert await accounts.user_by_email(user.email) is not None


@pytest.mark.not_in_memory("there attempts have a store of their own, which forgets the longest unused")
async def test_windows_that_have_ended_are_forgotten_and_no_others(accounts, pass_time):
    await accounts.count_attempt("past", MINUTE)
    await accounts.count_attempt("present", 3 * MINUTE)
    await pass_time(2 * MINUTE)
    await accounts.forget_ended()
    await pass_time(-2 * MINUTE)
    assert (await accounts.count_attempt("present", MINUTE))[0] == 2
    assert (await accounts.count_attempt("past", MINUTE))[0] == 1
