"""Tickets are signed so that nobody else can write them, and read so that no other text passes."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from jari.adapters.signing import Signer
from jari.domain.errors import BadTicket
from jari.domain.tickets import Ticket, encode_base64url, join_token

SIGNER = Signer.from_private(bytes(range(32)))
OTHER = Signer.from_private(bytes(range(1, 33)))
TICKET = Ticket(reservation_id=1234, schedule_id=17, seat_id=45012, seat="113 5-3")
TOKEN = SIGNER.sign(TICKET)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# RFC 8032, 5.1: the order of the group; a signature's second half counts modulo this.
ORDER = 2**252 + 27742317777372353535851937790883648493

ids = st.integers(1, 2**63 - 1)
places = st.text(st.characters(exclude_categories=["Cs"]).filter(str.isprintable), min_size=1, max_size=100)


def octets_of(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def part_of(fields):
    return encode_base64url(json.dumps(fields, separators=(",", ":")).encode())


def refused(token, *, by=SIGNER):
    try:
        by.verify(token)
    except BadTicket:
        return True
    return False


@given(ids, ids, ids, places)
def test_a_signed_ticket_is_read_as_it_was(reservation_id, schedule_id, seat_id, seat):
    ticket = Ticket(reservation_id, schedule_id, seat_id, seat)
    assert SIGNER.verify(SIGNER.sign(ticket)) == ticket


def test_the_same_ticket_has_the_same_token():
    assert Signer.from_private(SIGNER.private_bytes).sign(TICKET) == TOKEN


def test_a_usual_token_makes_a_code_of_61_modules():
    assert len(TOKEN) <= 251  # version 11 at level M (ISO/IEC 18004)


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_no_character_can_be_changed(position):
    """Each character at each place; that is every bit of the octets, and those that base64 leaves over."""
    before, character, after = TOKEN[:position], TOKEN[position], TOKEN[position + 1 :]
    alphabet = ALPHABET if position % 40 == 0 or not after or after[0] == "." else "Ax9_"
    others = [other for other in (*alphabet, ".", "=", "+", "/", " ", "é") if other != character]
    assert all(refused(before + other + after) for other in others)


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_no_character_can_be_left_out_or_added(position):
    assert refused(TOKEN[:position] + TOKEN[position + 1 :])
    assert all(refused(TOKEN[:position] + added + TOKEN[position:]) for added in "A.=")


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase, lambda token: token * 2])
def test_a_token_is_taken_letter_for_letter(change):
    assert refused(change(TOKEN))


@pytest.mark.parametrize("end", ["", ".", "=", "==", "\n", " ", "A"])
def test_nothing_can_be_added_at_the_end(end):
    assert refused(TOKEN + end) == bool(end)


def test_parts_of_two_tickets_do_not_make_a_third():
    header, claims, signature = TOKEN.split(".")
    _, other_claims, other_signature = SIGNER.sign(Ticket(1, 1, 1, "A")).split(".")
    assert refused(f"{header}.{other_claims}.{signature}")
    assert refused(f"{header}.{claims}.{other_signature}")


def test_a_signature_has_one_form():
    """Adding the order of the group to its second half would give another text for the same ticket."""
    signed, _, signature = TOKEN.rpartition(".")
    octets = octets_of(signature)
    second = int.from_bytes(octets[32:], "little")
    assert second < ORDER
    again = octets[:32] + (second + ORDER).to_bytes(32, "little")
    assert not refused(join_token(signed, octets))
    assert refused(join_token(signed, again))


def test_the_ticket_of_another_key_is_refused():
    with pytest.raises(BadTicket, match="signed with another key"):
        SIGNER.verify(OTHER.sign(TICKET))


def test_another_key_under_our_key_id_is_refused():
    signed = TOKEN.rpartition(".")[0]
    forged = join_token(
        signed, Ed25519PrivateKey.from_private_bytes(OTHER.private_bytes).sign(signed.encode())
    )
    with pytest.raises(BadTicket, match="signature does not fit"):
        SIGNER.verify(forged)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", "RS256", "Ed448"])
@pytest.mark.parametrize("signature", ["", TOKEN.rpartition(".")[2]], ids=["unsigned", "with a signature"])
def test_a_token_cannot_choose_the_algorithm(algorithm, signature):
    header = part_of({"alg": algorithm, "kid": SIGNER.key_id})
    assert refused(f"{header}.{TOKEN.split('.')[1]}.{signature}")


def test_the_public_key_is_not_taken_for_a_shared_secret():
    signed = f"{part_of({'alg': 'HS256', 'kid': SIGNER.key_id})}.{TOKEN.split('.')[1]}"
    secret = octets_of(SIGNER.public_jwk()["x"])
    assert refused(join_token(signed, hashlib.blake2b(signed.encode(), key=secret).digest()))


@pytest.mark.parametrize(
    "claims",
    [{}, {"rid": 0, "sid": 1, "seat": 1, "at": "A"}, {"rid": 1, "sid": 1, "seat": 1, "at": "A", "vip": True}],
)
def test_even_our_own_signature_does_not_make_other_claims_a_ticket(claims):
    signed = f"{TOKEN.split('.')[0]}.{part_of(claims)}"
    key = Ed25519PrivateKey.from_private_bytes(SIGNER.private_bytes)
    with pytest.raises(BadTicket, match="ticket"):
        SIGNER.verify(join_token(signed, key.sign(signed.encode())))


def test_anyone_with_the_public_key_can_check_a_ticket():
    """As a reader does that knows the standards and nothing of this project."""
    jwk = SIGNER.public_jwk()
    header, claims, signature = TOKEN.split(".")
    assert json.loads(octets_of(header)) == {"alg": jwk["alg"], "kid": jwk["kid"]}
    key = Ed25519PublicKey.from_public_bytes(octets_of(jwk["x"]))
    key.verify(octets_of(signature), f"{header}.{claims}".encode())
    assert json.loads(octets_of(claims)) == {"rid": 1234, "sid": 17, "seat": 45012, "at": "113 5-3"}


def test_the_public_key_is_the_one_of_the_standard():
    """RFC 8037, appendices A.1 to A.3."""
    signer = Signer.from_private(octets_of("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
    assert signer.public_jwk() == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
        "alg": "EdDSA",
    }
    assert signer.key_id == signer.public_jwk()["kid"]


def test_a_new_key_is_another_one_and_can_be_stored():
    signer = Signer.generate()
    assert signer.private_bytes != Signer.generate().private_bytes
    assert Signer.from_private(signer.private_bytes).verify(signer.sign(TICKET)) == TICKET


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match=f"has 32 bytes, not {length}"):
        Signer.from_private(bytes(length))


def test_a_ticket_out_of_bounds_is_not_signed():
    with pytest.raises(BadTicket, match="reservation"):
        SIGNER.sign(Ticket(0, 1, 1, "A"))


def test_the_secret_is_not_shown():
    assert SIGNER.private_bytes.hex() not in repr(SIGNER)
    assert "d" not in SIGNER.public_jwk()
