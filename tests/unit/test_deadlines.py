"""Requests that wait for too long are answered, and their waiting ends."""

import asyncio
import json
from contextlib import suppress

import pytest

from jari.web.deadlines import Deadlines, GivenUp
from jari.web.replies import Reply

NO_TIME, MUCH_TIME = 0, 3_600


class Client:
    """Sends the parts of a body when it is told to, and remembers what it is sent."""

    def __init__(self, method="GET"):
        self.scope = {"type": "http", "method": method}
        self.parts = asyncio.Queue()
        self.sent = []

    async def receive(self):
        return await self.parts.get()

    async def send(self, message):
        self.sent.append(message)

    @property
    def statuses(self):
        return [each["status"] for each in self.sent if each["type"] == "http.response.start"]

    def bound(self, deadlines, seconds):
        return deadlines.bound(seconds, self.scope, self.receive, self.send)


@pytest.fixture
def deadlines():
    return Deadlines()


async def test_who_has_waited_for_too_long_is_told_so_and_waits_no_more(deadlines):
    client = Client()
    with pytest.raises(GivenUp), client.bound(deadlines, NO_TIME):
        await asyncio.Event().wait()
    assert client.statuses == [503]
    assert json.loads(client.sent[1]["body"])["code"] == "UNAVAILABLE"


async def test_who_is_answered_in_time_is_left_alone(deadlines):
    client = Client()
    with client.bound(deadlines, MUCH_TIME) as waiting:
        await Reply(200, [], b"{}")(client.scope, client.receive, waiting.send)
    assert client.statuses == [200]


async def test_an_answer_that_has_begun_takes_as_long_as_it_takes(deadlines):
    slow, other = Client(), Client()
    with slow.bound(deadlines, NO_TIME) as waiting:
        await waiting.send({"type": "http.response.start", "status": 200, "headers": []})
        with pytest.raises(GivenUp):
            await told_to_go(deadlines, other)
        await waiting.send({"type": "http.response.body", "body": b""})
    assert slow.statuses == [200]
    assert other.statuses == [503]


async def told_to_go(deadlines, client):
    """Somebody whose time is over, so that everybody has been looked at."""

    async def wait():
        with client.bound(deadlines, NO_TIME):
            await asyncio.Event().wait()

    await asyncio.create_task(wait())


async def test_the_time_that_a_client_takes_to_send_its_body_is_its_own(deadlines):
    slow, other = Client("POST"), Client()
    with slow.bound(deadlines, NO_TIME) as waiting:
        receiving = asyncio.create_task(waiting.receive())
        await asyncio.sleep(0)
        with pytest.raises(GivenUp):
            await told_to_go(deadlines, other)
        slow.parts.put_nowait({"type": "http.request", "body": b"{}", "more_body": False})
        await receiving
    assert slow.statuses == []


async def test_who_changes_something_is_told_that_it_may_be_done(deadlines):
    client = Client("POST")
    with pytest.raises(GivenUp), client.bound(deadlines, NO_TIME):
        await asyncio.Event().wait()
    assert "It is not known whether" in json.loads(client.sent[1]["body"])["detail"]


async def test_an_answer_that_comes_too_late_is_dropped(deadlines):
    client = Client()

    async def answer_all_the_same():
        with client.bound(deadlines, NO_TIME) as waiting:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await Reply(200, [])(client.scope, client.receive, waiting.send)

    with pytest.raises(GivenUp):
        await asyncio.create_task(answer_all_the_same())
    assert client.statuses == [503]


async def test_when_the_server_ends_everybody_who_waits_is_told(deadlines):
    clients = [Client(), Client()]

    async def wait(client):
        with client.bound(deadlines, MUCH_TIME):
            await asyncio.Event().wait()

    waiting = [asyncio.create_task(wait(each)) for each in clients]
    await asyncio.sleep(0)
    deadlines.end()
    assert all(isinstance(each, GivenUp) for each in await asyncio.gather(*waiting, return_exceptions=True))
    assert [each.statuses for each in clients] == [[503], [503]]
