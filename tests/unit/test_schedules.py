"""When a schedule sells."""

import pytest

from jari.domain.errors import Invalid, SaleNotOpen
from jari.domain.schedules import MAX_TITLE_LENGTH, Sale, SaleStatus, check_title

NOW = 1_000_000


@pytest.mark.parametrize(
    ("enabled", "opens_ms", "status"),
    [
        (True, 0, SaleStatus.OPEN),
        (True, NOW - 1, SaleStatus.OPEN),
        (True, NOW, SaleStatus.OPEN),
        (True, NOW + 1, SaleStatus.UPCOMING),
        (False, 0, SaleStatus.CLOSED),
        (False, NOW + 1, SaleStatus.CLOSED),
    ],
)
def test_a_sale_is_open_when_enabled_from_its_opening_on(enabled, opens_ms, status):
    assert Sale(enabled=enabled, opens_ms=opens_ms).status(NOW) is status


def test_an_open_sale_sells():
    assert Sale(enabled=True, opens_ms=NOW).require_open(NOW) is None


@pytest.mark.parametrize(("early_ms", "wait_seconds"), [(1, 1), (1_000, 1), (1_001, 2), (60_000, 60)])
def test_who_comes_too_early_is_told_how_many_whole_seconds_to_wait(early_ms, wait_seconds):
    with pytest.raises(SaleNotOpen, match=f"opens in {wait_seconds} s") as caught:
        Sale(enabled=True, opens_ms=NOW + early_ms).require_open(NOW)
    assert caught.value.retry_after_seconds == wait_seconds


def test_a_closed_sale_names_no_time_to_come_back():
    with pytest.raises(SaleNotOpen, match="closed") as caught:
        Sale(enabled=False, opens_ms=NOW + 5_000).require_open(NOW)
    assert caught.value.retry_after_seconds == 0


@pytest.mark.parametrize(
    ("title", "kept"),
    [("  LG : 두산  ", "LG : 두산"), ("x", "x"), ("x" * MAX_TITLE_LENGTH, "x" * MAX_TITLE_LENGTH)],
)
def test_a_title_is_kept_without_the_space_around_it(title, kept):
    assert check_title(title) == kept


@pytest.mark.parametrize("title", ["", "   ", "\n", "x" * (MAX_TITLE_LENGTH + 1)])
def test_a_title_that_is_empty_or_too_long_is_refused(title):
    with pytest.raises(Invalid, match="1 to 200 characters"):
        check_title(title)
