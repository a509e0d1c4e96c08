"""Which encoding an answer has."""

import pytest
from starlette.requests import Request

from jari.web.api.responses import accepts_gzip


def asking(*accepted):
    headers = [(b"accept-encoding", each.encode()) for each in accepted]
    return Request({"type": "http", "headers": headers})


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
    assert accepts_gzip(asking(accepted)) is takes


def test_who_says_nothing_gets_it_plain():
    assert not accepts_gzip(asking())
