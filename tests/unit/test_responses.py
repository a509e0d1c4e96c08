"""Which encoding an answer has."""

import pytest

from jari.web.api.responses import Document, cached, takes_gzip


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZip;Q=0.5", True),
        ("deflate;q=1, gzip;q=0.001", True),
        ("x-gzip", True),
        ("*", True),
        ("br, *;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br", False),
        ("notgzip", False),
        ("identity", False),
        ("gzip;q=lots", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(accepted, takes):
    assert takes_gzip(accepted) is takes


LONG = Document({"seats": list(range(1_000))})


def test_who_says_nothing_gets_it_plain():
    assert cached(None, None, LONG).body == LONG.plain


def test_who_takes_gzip_gets_it_packed_where_that_pays():
    short = Document({"seats": []})
    assert cached(None, "gzip", LONG).body == LONG.packed
    assert cached(None, "gzip", short).body == short.plain


@pytest.mark.parametrize("named", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_gets_nothing_but_that_word(named):
    reply = cached(named.format(LONG.etag), "gzip", LONG)
    assert (reply.status_code, reply.body) == (304, b"")


def test_who_has_another_state_gets_all_of_it():
    assert cached('"other"', None, LONG).body == LONG.plain
