"""How a commit's changes are written into the ``body`` column of the change log."""

import msgspec

from jari.domain.seating import Change, Effect, Status
from jari.domain.seatmap import Commit

_Row = tuple[int, tuple[int, ...], int, int | None]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Row])


def encode_changes(commit: Commit) -> str:
    """A JSON list of ``[status, [seat ids], buyer id, expires_ms]``."""
    return _encoder.encode(
        [(int(each.status), each.seat_ids, each.buyer_id, each.expires_ms) for each in commit.changes]
    ).decode()


def decode_commit(version: int, body: str) -> Commit:
    """The commit that `encode_changes` wrote."""
    return Commit(
        version,
        tuple(
            Change(Status(status), seat_ids, buyer_id, expires_ms)
            for status, seat_ids, buyer_id, expires_ms in _decoder.decode(body)
        ),
    )


def split_effects(effects: list[Effect]) -> tuple[list[Effect], list[Effect], list[Effect]]:
    """The effects as rows to insert, to update and to delete."""
    inserts = [each for each in effects if each.before is None]
    updates = [each for each in effects if each.before is not None and each.after is not None]
    deletes = [each for each in effects if each.after is None]
    return inserts, updates, deletes
