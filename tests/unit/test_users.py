"""What an account needs."""

import pytest

from jari.domain.errors import Invalid
from jari.domain.users import (
    MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    check_name,
    check_password,
    forms_of_email,
    normalise_email,
)

AT = "@example.com"
LONGEST = "a" * (MAX_EMAIL_LENGTH - len(AT)) + AT


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("kim@example.com", "kim@example.com"),
        ("  Kim@Example.COM\n", "kim@example.com"),
        ("kim+seats@sub.example.co.kr", "kim+seats@sub.example.co.kr"),
        ("김@예시.한국", "김@예시.한국"),
        ("kim@localhost", "kim@localhost"),
        (LONGEST, LONGEST),
    ],
)
def test_addresses_are_compared_trimmed_and_in_lower_case(written, compared):
    assert normalise_email(written) == compared


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "kim",
        "@example.com",
        "kim@",
        "kim@@example.com",
        "kim@exa mple.com",
        "k im@example.com",
        "kim@example..com",
        "kim@.example.com",
        "kim@example.com.",
        "kim@example.com\nbcc: all@example.com",
        "kim\x00@example.com",
        "a" + LONGEST,
    ],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(Invalid, match="it needs the form name@"):
        normalise_email(written)


@pytest.mark.parametrize(
    "written",
    [
        "jose\u0301@example.com",  # decomposed, as a Mac's file names are
        "jos\u00e9@example.com",
        "JOS\u00c9@EXAMPLE.COM",
        "ｊｏｓé＠ｅｘａｍｐｌｅ．ｃｏｍ",  # noqa: RUF001 - full width, as an East Asian keyboard types it
        "jos\u00e9@example\u3002com",
    ],
)
def test_addresses_that_look_the_same_are_the_same(written):
    assert normalise_email(written) == "jos\u00e9@example.com"


@pytest.mark.parametrize(
    "written",
    [
        "kim@예시.한국",
        "kim@xn--vv4b11d.xn--3e0b707e",
        "KIM@XN--VV4B11D.한국",
        "kim@예시。한국",
        "kim@\u110b\u1168\u1109\u1175.한국",
    ],
)
def test_a_domain_is_the_same_in_punycode(written):
    assert normalise_email(written) == "kim@예시.한국"


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u3164", "\u115f", "\ufe0f", "\u034f"],
)
def test_an_address_with_characters_that_nobody_sees_is_refused(unseen):
    for written in (f"ki{unseen}m@example.com", f"kim@exam{unseen}ple.com"):
        with pytest.raises(Invalid, match="cannot be seen"):
            normalise_email(written)


@pytest.mark.parametrize("written", ["kim@예-.한국", "kim@xn--99999999999.com", "kim@\u0301a.com"])
def test_a_domain_that_cannot_be_is_refused(written):
    with pytest.raises(Invalid, match="e-mail address"):
        normalise_email(written)


@pytest.mark.parametrize(
    ("written", "forms"),
    [
        (" Kim@Example.com", ("kim@example.com",)),
        ("jose\u0301@example.com", ("jose\u0301@example.com", "jos\u00e9@example.com")),
        ("ki\u200bm@example.com", ("ki\u200bm@example.com",)),
        ("kim", ()),
    ],
)
def test_an_account_is_looked_for_as_it_was_typed_too(written, forms):
    """So that accounts that are older than the normal form stay reachable."""
    assert forms_of_email(written) == forms


@pytest.mark.parametrize(
    ("written", "kept"),
    [("Kim", "Kim"), ("  김 철수 ", "김 철수"), ("x" * MAX_NAME_LENGTH, "x" * MAX_NAME_LENGTH)],
)
def test_a_name_is_kept_without_the_space_around_it(written, kept):
    assert check_name(written) == kept


@pytest.mark.parametrize("written", ["", "  ", "x" * (MAX_NAME_LENGTH + 1), "a\x00b", "a\nb", "a\u202eb"])
def test_a_name_that_is_empty_too_long_or_unprintable_is_refused(written):
    with pytest.raises(Invalid, match="printable"):
        check_name(written)


@pytest.mark.parametrize("length", [MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH])
def test_a_password_within_the_bounds_is_taken(length):
    assert check_password("x" * length) is None


@pytest.mark.parametrize("length", [0, MIN_PASSWORD_LENGTH - 1, MAX_PASSWORD_LENGTH + 1])
def test_a_password_that_is_too_short_or_too_long_is_refused(length):
    with pytest.raises(Invalid, match="8 to 128"):
        check_password("x" * length)


def test_space_in_a_password_counts():
    assert check_password("        ") is None
