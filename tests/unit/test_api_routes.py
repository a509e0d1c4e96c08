"""From an address to what stands there, and the ids in it."""

import pytest

from jari.web.api.routes import Routes

ROUTES = Routes(
    [
        ("GET", "/", "front"),
        ("GET", "/api/matches", "list"),
        ("GET", "/api/matches/{schedule}", "one"),
        ("POST", "/api/matches/{schedule}", "change one"),
        ("GET", "/api/matches/{schedule}/blocks/{block}/seats", "seats"),
        ("GET", "/api/matches/newest", "newest"),
        ("POST", "/hooks/{gateway:name}", "hook"),
        ("GET", "/static/{file:rest}", "file"),
    ]
)


@pytest.mark.parametrize(
    ("path", "target", "ids"),
    [
        ("/", "front", ()),
        ("/api/matches", "list", ()),
        ("/api/matches/7", "one", (7,)),
        ("/api/matches/007", "one", (7,)),
        ("/api/matches/7/blocks/113/seats", "seats", (7, 113)),
        ("/api/matches/newest", "newest", ()),
        ("/static/map/map.js", "file", ("map/map.js",)),
        ("/static/", "file", ("",)),
    ],
)
def test_an_address_is_found_with_its_ids(path, target, ids):
    methods, found_ids = ROUTES.find(path)
    assert (methods["GET"], found_ids) == (target, ids)


def test_an_address_has_what_each_of_its_methods_does():
    assert ROUTES.find("/api/matches/7") == ({"GET": "one", "POST": "change one"}, (7,))


def test_a_name_is_anything_up_to_the_next_slash():
    assert ROUTES.find("/hooks/toss") == ({"POST": "hook"}, ("toss",))
    assert ROUTES.find("/hooks/") is None
    assert ROUTES.find("/hooks/a/b") is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/api",
        "/api/",
        "/api/matches/",
        "/api/matches/seven",
        "/api/matches/-7",
        "/api/matches/7.0",
        "/api/matches/\u0667",
        "/api/matches/" + "9" * 20,
        "/api/matches/7/blocks",
        "/api/matches/7/blocks/113/seats/",
        "//api/matches",
        "/static",
    ],
)
def test_nothing_is_found_where_nothing_is(path):
    assert ROUTES.find(path) is None


@pytest.mark.parametrize("number", [0, 9223372036854775808, 9999999999999999999])
def test_what_no_id_can_be_has_an_address_all_the_same(number):
    assert ROUTES.find(f"/api/matches/7/blocks/{number}/seats") == ({"GET": "seats"}, (7, number))


def test_everything_that_is_found_can_be_listed():
    assert set(ROUTES) == {
        ("GET", "/"),
        ("GET", "/api/matches"),
        ("GET", "/api/matches/{}"),
        ("POST", "/api/matches/{}"),
        ("GET", "/api/matches/{}/blocks/{}/seats"),
        ("GET", "/api/matches/newest"),
        ("POST", "/hooks/{}"),
        ("GET", "/static/{}"),
    }
