"""What hashes passwords: slowly, in threads of its own, and no more of it than the limit says."""

import asyncio
import re

import pytest

from jari.adapters.passwords import ArgonPasswords
from jari.domain.errors import Unavailable
from jari.settings import PasswordSettings


@pytest.fixture
def passwords():
    made = ArgonPasswords(PasswordSettings(password_threads=1, password_queue_size=2))
    yield made
    made.close()


async def test_a_password_fits_its_own_hash_alone(passwords):
    hashed = await passwords.hash("correct horse")
    assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", hashed)
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "correct house")
    assert await passwords.hash("correct horse") != hashed


async def test_where_there_is_no_hash_nothing_fits(passwords):
    assert not await passwords.verify(None, "no account has this password")
    assert not await passwords.verify("no hash of ours", "no hash of ours")


async def test_beyond_the_limit_nobody_waits_and_the_loop_goes_on(passwords):
    first = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refusal:
        await passwords.hash("correct horse")
    assert refusal.value.retry_after_seconds > 0
    assert not any(task.done() for task in first)
    await asyncio.gather(*first)
    await passwords.hash("correct horse")
