"""What a commit changed, as it is written down: the change log and the status stream have the same text."""

import msgspec

from jari.domain.seating import Change, Status
from jari.domain.seatmap import Commit

_Change = tuple[int, tuple[int, ...], int, int | None]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Change])


def encode_changes(commit: Commit) -> str:
    """A JSON list of ``[status, [seat ids], buyer id, expires_ms]``."""
    return _encoder.encode(
        [(int(each.status), each.seat_ids, each.buyer_id, each.expires_ms) for each in commit.changes]
    ).decode()


def decode_changes(body: str | bytes) -> tuple[Change, ...]:
    """The changes that `encode_changes` wrote."""
    return tuple(
        Change(Status(status), seat_ids, buyer_id, expires_ms)
        for status, seat_ids, buyer_id, expires_ms in _decoder.decode(body)
    )
