"""Accounts: over HTTP, with clients that keep their cookies as a browser does."""

import re
import secrets
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from pytest_bdd import given, scenarios, then, when
from scenes import House, Scene, data_of, problem_of, step

from support.servers import Server
from support.worlds import World

PASSWORD = "a seat in the sun"

SITES = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbouring site": {"Sec-Fetch-Site": "same-site"},
    "another site, in an older browser": {"Origin": "https://elsewhere.example"},
    "a file, in an older browser": {"Origin": "null"},
    "our own page": {"Sec-Fetch-Site": "same-origin"},
}

MakeServer = Callable[..., Server]
MakeWorld = Callable[[str], World]

scenarios("users.feature")


class People:
    """Everybody in the scenario: each with an e-mail address and a browser."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._suffix = secrets.token_hex(4)
        self.found_session = ""
        self.devices: list[str] = []

    def email(self, name: str) -> str:
        return f"{name.lower()}-{self._suffix}@example.com"

    def client(self, name: str) -> httpx.Client:
        clients = self._scene.clients
        if name not in clients:
            clients[name] = httpx.Client(base_url=self._scene.url, timeout=30)
        return clients[name]

    def post(self, name: str, path: str, **request: Any) -> httpx.Response:
        self.client(name)
        return self._scene.send(name, "POST", path, **request)

    def sign_up(self, person: str, key: str = "", **fields: str) -> httpx.Response:
        body = {"email": self.email(person), "password": PASSWORD, "name": person, **fields}
        return self.post(person, "/api/sign-up", json=body, headers={"Idempotency-Key": key} if key else {})

    def log_in(self, name: str, **fields: str) -> httpx.Response:
        body = {"email": self.email(name), "password": PASSWORD, **fields}
        return self.post(name, "/api/log-in", json=body)

    def log_out(self, name: str, **headers: str) -> httpx.Response:
        return self.post(name, "/api/log-out", json={}, headers=headers)

    def spelt(self, address: str) -> str:
        """An address of a domain that no other scenario has, with what \\u escapes stand for."""
        escaped = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), address)
        return escaped.replace("SUFFIX", f"{self._suffix}.example.com")


@pytest.fixture
def people(scene: Scene) -> People:
    return People(scene)


@given(step("COUNT (?P<what>wrong passwords|log-ins) are allowed(?: at a known device)?"))
def few_log_ins(
    scene: Scene, sqlite_url: str, make_server: MakeServer, make_world: MakeWorld, count: str, what: str
) -> None:
    limit = "log_ins_per_device" if what == "log-ins" else "log_in_attempts_per_account"
    scene.house = House(make_server(sqlite_url, **{limit: count}), make_world(sqlite_url))


@given(step("COUNT sessions are allowed for each account"))
def few_sessions(
    scene: Scene, sqlite_url: str, make_server: MakeServer, make_world: MakeWorld, count: str
) -> None:
    scene.house = House(make_server(sqlite_url, sessions_per_user=count), make_world(sqlite_url))


@given(step("COUNT accounts are allowed for each address"))
def few_sign_ups(
    scene: Scene, sqlite_url: str, make_server: MakeServer, make_world: MakeWorld, count: str
) -> None:
    server = make_server(sqlite_url, sign_ups_per_address=count)
    scene.house = House(server, make_world(sqlite_url))


@given(step("NAME has signed up"))
def somebody_has_signed_up(people: People, name: str) -> None:
    data_of(people.sign_up(name), 201)


@given(step('NAME has signed up with the e-mail address "(?P<address>.*)"'))
@when(step('NAME signs up with the e-mail address "(?P<address>.*)"'))
def somebody_signs_up_as_spelt(people: People, name: str, address: str) -> None:
    people.sign_up(name, email=people.spelt(address))


@when(step('NAME logs in with the e-mail address "(?P<address>.*)"'))
def somebody_logs_in_as_spelt(people: People, name: str, address: str) -> None:
    people.log_in(name, email=people.spelt(address))


@when(step("NAME signs up"))
def somebody_signs_up(people: People, name: str) -> None:
    people.sign_up(name)


@when(step("NAME signs up with her e-mail address in capital letters"))
def somebody_signs_up_in_capitals(people: People, name: str) -> None:
    people.sign_up(name, email=people.email(name).upper())


@when(step('NAME signs up with the (?P<what>email|password|name|role) "(?P<value>.*)"'))
def somebody_signs_up_with(people: People, name: str, what: str, value: str) -> None:
    people.sign_up(name, **{what: value.replace("BELL", "\a")})


@when(step("NAME signs up with a password of COUNT letters"))
def somebody_signs_up_at_length(people: People, name: str, count: str) -> None:
    people.sign_up(name, password="x" * int(count))


@when(step("NAME signs up under the key TEXT(?P<other> with another password)?"))
def somebody_signs_up_under_a_key(people: People, name: str, text: str, other: str | None) -> None:
    fields = {"password": "something else"} if other else {}
    people.sign_up(name, key=f"{text}-{people.email(name)}", **fields)


@given(step("NAME logs in"))
@when(step("NAME logs in"))
def somebody_logs_in(people: People, name: str) -> None:
    people.log_in(name)


@given(step("NAME's session has been found by somebody else"))
def a_session_has_been_found(people: People, name: str) -> None:
    people.found_session = people.client(name).cookies["jari"]


@given("somebody has made a session up")
def a_session_is_made_up(people: People) -> None:
    people.found_session = secrets.token_urlsafe(24)


@when(step("NAME logs in with her e-mail address in capital letters"))
def somebody_logs_in_in_capitals(people: People, name: str) -> None:
    people.log_in(name, email=people.email(name).upper())


@when(step("NAME logs in with a wrong password(?: COUNT times)?"))
def somebody_logs_in_wrongly(people: People, name: str, count: str | None) -> None:
    for _ in range(int(count or 1)):
        people.log_in(name, password="something else")


@when(step("NAME logs in as OTHER with a wrong password COUNT times"))
def somebody_guesses(people: People, name: str, other: str, count: str) -> None:
    for _ in range(int(count)):
        people.log_in(name, email=people.email(other), password="something else")


@given(step("NAME logs in at OTHER's device"))
def somebody_logs_in_at_anothers_device(people: People, name: str, other: str) -> None:
    data_of(people.log_in(other, email=people.email(name)))


@then("so is what makes her device known")
def the_device_is_hidden(scene: Scene) -> None:
    cookie = cookies(scene.last("Minji"))["jari-device"]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert int(cookie["max-age"]) > 30 * 24 * 3_600


@when(step("NAME logs in COUNT times"))
def somebody_logs_in_often(people: People, name: str, count: str) -> None:
    for _ in range(int(count)):
        people.log_in(name)


@when(step('NAME logs in with the password "(?P<password>.*)"'))
def somebody_logs_in_with_another_password(people: People, name: str, password: str) -> None:
    data_of(people.log_in(name, password=password))


@given(step("NAME is logged in on COUNT devices?"))
def somebody_is_logged_in_on_devices(people: People, name: str, count: str) -> None:
    for number in range(int(count)):
        people.devices.append(f"{name} on device {number}")
        data_of(people.log_in(people.devices[-1], email=people.email(name)))


@when(step("NAME logs out everywhere on the first device"))
def somebody_logs_out_everywhere(people: People, name: str) -> None:
    answer = people.post(people.devices[0], "/api/log-out-everywhere", json={})
    assert data_of(answer) == {"endedSessions": len(people.devices)}
    assert "jari" not in people.client(people.devices[0]).cookies


@when(
    step(
        'NAME changes her password to "(?P<new>.*)"(?: COUNT times)? on the first device'
        "(?P<wrong>, with a wrong one for the present)?"
    )
)
def somebody_changes_their_password(
    scene: Scene, people: People, name: str, new: str, count: str | None, wrong: str | None
) -> None:
    body = {"password": "a guess" if wrong else PASSWORD, "newPassword": new}
    for _ in range(int(count or 1)):
        answer = people.post(people.devices[0], "/api/password", json=body)
        scene.answers[name].append(answer)


@when(step("NAME asks to (?P<what>log out everywhere|change her password)"))
def somebody_without_a_session_asks(people: People, name: str, what: str) -> None:
    if what == "log out everywhere":
        people.post(name, "/api/log-out-everywhere", json={})
    else:
        people.post(name, "/api/password", json={"password": PASSWORD, "newPassword": "another seat"})


@when(step("NAME logs in by a form"))
def somebody_logs_in_by_a_form(people: People, name: str) -> None:
    people.post(name, "/api/log-in", data={"email": people.email(name), "password": PASSWORD})


@when(step("NAME sends a megabyte"))
def somebody_sends_much(people: People, name: str) -> None:
    people.sign_up(name, password="x" * 1_000_000)


@given(step("NAME logs out"))
@when(step("NAME logs out"))
def somebody_logs_out(people: People, name: str) -> None:
    data_of(people.log_out(name))
    assert "jari" not in people.client(name).cookies


@when(step("(?P<site>[a-z ,]+) makes NAME's browser log out"))
def a_site_makes_somebody_log_out(scene: Scene, people: People, site: str, name: str) -> None:
    people.log_out(name, **SITES.get(site, {"Origin": scene.url}))


@then(step("NAME has an account as a (?P<role>[a-z]+)"))
def somebody_has_an_account(people: People, scene: Scene, name: str, role: str) -> None:
    user = data_of(scene.last(name), 201)
    assert user == {"id": user["id"], "email": people.email(name), "name": name, "role": role}


@then(step("NAME is given the same account both times"))
def somebody_is_given_the_same_account(scene: Scene, name: str) -> None:
    first, second = scene.answers[name]
    assert data_of(first, 201) == data_of(second, 201)


@then(step("NAME is known by (?:her|his) name"))
def somebody_is_known(people: People, name: str) -> None:
    assert data_of(people.client(name).get("/api/me"))["name"] == name


@then(step("NAME is known on (?P<which>no device|the first device|the first 2 devices|the last 2 devices)"))
def somebody_is_known_on_devices(people: People, name: str, which: str) -> None:
    clients = [people.client(each) for each in people.devices]
    known = [client.get("/api/me").status_code == 200 for client in clients]
    expected = {
        "no device": [False] * len(known),
        "the first device": [True] + [False] * (len(known) - 1),
        "the first 2 devices": [True, True],
        "the last 2 devices": [False] * (len(known) - 2) + [True, True],
    }
    assert known == expected[which]


@then(step("NAME is not known"))
def somebody_is_not_known(people: People, name: str) -> None:
    problem_of(people.client(name).get("/api/me"), "UNAUTHENTICATED")


@then("the found session is of no use")
def the_found_session_is_of_no_use(scene: Scene, people: People) -> None:
    headers = {"Cookie": f"jari={people.found_session}"}
    problem_of(httpx.get(f"{scene.url}/api/me", headers=headers), "UNAUTHENTICATED")


@then("the found session is as good as her own")
def the_found_session_works(scene: Scene, people: People) -> None:
    headers = {"Cookie": f"jari={people.found_session}"}
    data_of(httpx.get(f"{scene.url}/api/me", headers=headers))


@then("the session is hidden from scripts and from other sites")
def the_session_is_hidden(scene: Scene) -> None:
    cookie = cookies(scene.last("Minji"))["jari"]
    assert len(cookie.value) >= 32
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) > 0


@then(step("NAME is answered exactly as OTHER"))
def somebody_is_answered_alike(scene: Scene, name: str, other: str) -> None:
    one, two = scene.last(name), scene.last(other)
    assert (one.status_code, one.content) == (two.status_code, two.content)
    assert _headers(one) == _headers(two)


@then(step("NAME is told when to come back"))
def somebody_is_told_when(scene: Scene, name: str) -> None:
    assert 0 < int(scene.last(name).headers["retry-after"]) <= 900


def cookies(answer: httpx.Response) -> SimpleCookie:
    jar = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}
