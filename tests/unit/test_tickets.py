"""What the text of a ticket may be, before any key is asked."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jari.domain.errors import BadTicket
from jari.domain.ids import MAX_ID
from jari.domain.tickets import (
    KEY_ID_LENGTH,
    MAX_SEAT_LENGTH,
    MAX_TOKEN_LENGTH,
    SIGNATURE_BYTES,
    Ticket,
    encode_base64url,
    join_token,
    printed_seat,
    read_claims,
    signing_input,
    split_token,
)

KEY_ID = "k" * KEY_ID_LENGTH
SIGNATURE = bytes(range(SIGNATURE_BYTES))
TICKET = Ticket(reservation_id=1234, schedule_id=17, seat_id=45012, seat="113 5-3")
CLAIMS = {"rid": 1234, "sid": 17, "seat": 45012, "at": "113 5-3"}
HEADER = {"alg": "EdDSA", "kid": KEY_ID}

ids = st.integers(1, MAX_ID)
printable = st.characters(exclude_categories=["Cs"]).filter(str.isprintable)
tickets = st.builds(
    Ticket,
    reservation_id=ids,
    schedule_id=ids,
    seat_id=ids,
    seat=st.text(printable, min_size=1, max_size=MAX_SEAT_LENGTH),
)


def part(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def token_of(header=HEADER, claims=CLAIMS, signature=SIGNATURE):
    return f"{part(header)}.{part(claims)}.{encode_base64url(signature)}"


def read(token):
    return read_claims(split_token(token).claims)


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


@given(tickets)
def test_what_is_written_is_read(ticket):
    token = join_token(signing_input(ticket, KEY_ID), SIGNATURE)
    split = split_token(token)
    assert read_claims(split.claims) == ticket
    assert (split.key_id, split.signature) == (KEY_ID, SIGNATURE)
    assert split.signed == token.rpartition(".")[0].encode()


def test_a_token_is_what_the_standards_say():
    header, claims, signature = join_token(signing_input(TICKET, KEY_ID), SIGNATURE).split(".")
    assert base64.urlsafe_b64decode(header + "==").decode() == f'{{"alg":"EdDSA","kid":"{KEY_ID}"}}'
    assert base64.urlsafe_b64decode(claims + "==").decode() == (
        '{"rid":1234,"sid":17,"seat":45012,"at":"113 5-3"}'
    )
    assert base64.urlsafe_b64decode(signature + "==") == SIGNATURE


def test_the_longest_ticket_has_room():
    longest = Ticket(MAX_ID, MAX_ID, MAX_ID, "\U0001f39f" * MAX_SEAT_LENGTH)
    token = join_token(signing_input(longest, KEY_ID), SIGNATURE)
    assert len(token) == 829 < MAX_TOKEN_LENGTH
    assert read(token) == longest


@pytest.mark.parametrize(
    "ticket",
    [
        Ticket(0, 1, 1, "A"),
        Ticket(1, -1, 1, "A"),
        Ticket(1, 1, MAX_ID + 1, "A"),
        Ticket(True, 1, 1, "A"),
        Ticket(1.0, 1, 1, "A"),
        Ticket("1", 1, 1, "A"),
        Ticket(1, 1, 1, ""),
        Ticket(1, 1, 1, "A" * (MAX_SEAT_LENGTH + 1)),
        Ticket(1, 1, 1, "A\nB"),
        Ticket(1, 1, 1, "A\u202eB"),
        Ticket(1, 1, 1, "\ud800"),
        Ticket(1, 1, 1, None),
        Ticket(1, 1, 1, ["A"]),
    ],
    ids=repr,
)
def test_a_ticket_out_of_bounds_is_neither_written_nor_read(ticket):
    with pytest.raises(BadTicket, match=r"The ticket's (reservation|schedule|seat|place) "):
        signing_input(ticket, KEY_ID)
    claims = {
        "rid": ticket.reservation_id,
        "sid": ticket.schedule_id,
        "seat": ticket.seat_id,
        "at": ticket.seat,
    }
    with pytest.raises(BadTicket, match=r"The ticket's (reservation|schedule|seat|place) "):
        read_claims(json.dumps(claims).encode())


@pytest.mark.parametrize("header", [HEADER, {"kid": KEY_ID, "alg": "EdDSA"}])
def test_the_order_of_the_header_does_not_matter(header):
    assert read(token_of(header)) == TICKET


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": KEY_ID},
        {"alg": "HS256", "kid": KEY_ID},
        {"alg": "ES256", "kid": KEY_ID},
        {"alg": "eddsa", "kid": KEY_ID},
        {"alg": "EdDSA ", "kid": KEY_ID},
        {"alg": ["EdDSA"], "kid": KEY_ID},
        {"alg": None, "kid": KEY_ID},
        {"kid": KEY_ID},
        {},
    ],
    ids=str,
)
def test_no_other_algorithm_is_taken(header):
    with pytest.raises(BadTicket, match="not signed with EdDSA"):
        split_token(token_of(header))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "EdDSA"},
        {"alg": "EdDSA", "kid": None},
        {"alg": "EdDSA", "kid": 7},
        {"alg": "EdDSA", "kid": ""},
        {"alg": "EdDSA", "kid": KEY_ID + "k"},
        {"alg": "EdDSA", "kid": KEY_ID[1:] + "\n"},
        HEADER | {"typ": "JWT"},
        HEADER | {"crit": ["exp"], "exp": 0},
        HEADER | {"b64": False, "crit": ["b64"]},
        HEADER | {"jwk": {"kty": "OKP"}},
    ],
    ids=str,
)
def test_no_other_header_is_taken(header):
    with pytest.raises(BadTicket, match="alg and kid and nothing else"):
        split_token(token_of(header))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        '{"alg":"EdDSA","alg":"none","kid":"k"}',
        "\ufeff{}",
        '{"a":1}{"b":2}',
        "[" * 600,
        "{'alg':'EdDSA'}",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(BadTicket, match="JSON"):
        read_claims(text.encode())
    if text:
        with pytest.raises(BadTicket, match="JSON"):
            split_token(token_of(text))


@pytest.mark.parametrize("text", ["[]", "1", "null", '"EdDSA"', "NaN"])
def test_json_that_is_no_object_is_refused(text):
    with pytest.raises(BadTicket, match="JSON object"):
        read_claims(text.encode())
    with pytest.raises(BadTicket, match="JSON object"):
        split_token(token_of(text))


def test_json_too_deep_to_be_read_is_refused():
    with pytest.raises(BadTicket, match="JSON"):
        read_claims(b"[" * 100_000)


def test_octets_that_are_no_text_are_refused():
    with pytest.raises(BadTicket, match="JSON"):
        read_claims(b"\xff\xfe")


@pytest.mark.parametrize(
    "claims", [*(without(CLAIMS, name) for name in CLAIMS), CLAIMS | {"exp": 1}, {}], ids=str
)
def test_claims_are_exactly_these(claims):
    with pytest.raises(BadTicket, match="exactly the claims"):
        read_claims(json.dumps(claims).encode())


@pytest.mark.parametrize("claims", ['{"rid":1,"rid":1,"sid":1,"seat":1,"at":"A"}'])
def test_a_claim_stands_once(claims):
    with pytest.raises(BadTicket, match="JSON"):
        read_claims(claims.encode())


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "three parts"),
        ("..", "characters that no ticket has"),
        ("a.b", "three parts"),
        (token_of() + ".", "three parts"),
        (token_of() + ".x", "three parts"),
        ("." + token_of(), "three parts"),
        (token_of() + "=", "characters that no ticket has"),
        (token_of() + "\n", "characters that no ticket has"),
        (" " + token_of(), "characters that no ticket has"),
        (token_of().replace("e", "é", 1), "characters that no ticket has"),
        (token_of(HEADER).replace("e", "\uff45", 1), "characters that no ticket has"),
        (token_of() + "AAA", "characters that no ticket has"),
        (token_of(signature=SIGNATURE[:-1]), "incomplete"),
        (token_of(signature=SIGNATURE + b"\0"), "incomplete"),
        ("x" * 1_000_000, "at most 1000 characters"),
        ("." * (MAX_TOKEN_LENGTH + 1), "at most 1000 characters"),
        ("." * MAX_TOKEN_LENGTH, "three parts"),
    ],
)
def test_another_form_is_refused(token, reason):
    with pytest.raises(BadTicket, match=reason):
        split_token(token)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_stray_bits_at_the_end_of_a_part_are_refused(position):
    """The four (or sixteen) texts that a lenient reader takes for the same octets are one ticket only."""
    claims = CLAIMS | {"rid": 1}
    parts = [part(json.dumps(HEADER) + " "), part(json.dumps(claims)), encode_base64url(SIGNATURE)]
    assert read(".".join(parts)).reservation_id == 1
    assert len(parts[position]) % 4 != 0, "a part of whole groups of three octets has no stray bits"
    octets = base64.urlsafe_b64decode(parts[position] + "==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [
        written
        for last in alphabet
        if (written := parts[position][:-1] + last) != parts[position]
        and base64.urlsafe_b64decode(written + "==") == octets
    ]
    assert len(same) in {3, 15}
    for written in same:
        parts[position] = written
        with pytest.raises(BadTicket, match="not written the way"):
            split_token(".".join(parts))


@given(st.text(max_size=MAX_TOKEN_LENGTH))
def test_no_text_does_more_than_be_refused(text):
    with pytest.raises(BadTicket):
        read(text)


@given(st.binary(max_size=300))
def test_no_octets_do_more_than_be_refused(octets):
    with pytest.raises(BadTicket):
        read_claims(octets)


@pytest.mark.parametrize(
    ("names", "printed"),
    [
        (("113", "5", "3"), "113 5-3"),
        (("1루 레드", "가", "12A"), "1루 레드 가-12A"),
        ((" 113\u00a0B\t", "5", "3"), "113 B 5-3"),
        (("A\u200bB", "\u202e5", "\ud800"), "A?B ?5-?"),
        (("", "", ""), "-"),
        (("블" * 200, "5", "3"), "블" * 99 + "…"),
        (("b" * 96, "5", "3"), "b" * 96 + " 5-3"),
    ],
    ids=ascii,
)
def test_a_place_is_made_fit_for_a_ticket(names, printed):
    assert printed_seat(*names) == printed
    assert signing_input(Ticket(1, 1, 1, printed), KEY_ID)


@given(st.text(), st.text(), st.text())
def test_any_place_fits_on_a_ticket(block, row_label, seat_label):
    ticket = Ticket(1, 1, 1, printed_seat(block, row_label, seat_label))
    assert read(join_token(signing_input(ticket, KEY_ID), SIGNATURE)) == ticket
