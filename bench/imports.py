"""How long a sale stands still while its venue of 23,750 seats gets a new plan."""

import dataclasses
from collections.abc import Callable

from bench.rows import Row
from bench.stage import embedded, on_postgres, world_in
from jari.domain.venues import Seat
from support.imports import sell_while_importing, with_seats

REPEATS = 3


def _pauses(url: str, store: str) -> list[Row]:
    def one_less(seat: Seat) -> Seat | None:
        return None if (seat.row, seat.col) == (1, 1) else seat

    def redrawn(seat: Seat) -> Seat:
        return dataclasses.replace(seat, x=seat.x + 1)

    def renumbered(seat: Seat) -> Seat:
        return dataclasses.replace(seat, seat_label=f"{seat.seat_label}A")

    return [
        _pause(url, f"{store}: one seat less", one_less, at_most=0.5),
        _pause(url, f"{store}: one seat less in another venue", one_less, elsewhere=True),
        _pause(url, f"{store}: every seat drawn elsewhere", redrawn),
        _pause(url, f"{store}: every seat renumbered", renumbered),
        _pause(url, f"{store}: every seat renumbered in another venue", renumbered, elsewhere=True),
    ]


def _pause(
    url: str,
    what: str,
    choose: Callable[[Seat], Seat | None],
    *,
    at_most: float | None = None,
    elsewhere: bool = False,
) -> Row:
    """A till's longest wait as a share of the import's time: the worst of several, in this venue or in another."""
    times = []
    with world_in(url) as world:
        match = world.ballpark()
        plan = with_seats(match.venue, choose)
        watched = world.match() if elsewhere else match
        for _ in range(REPEATS):
            times.append(world.run(sell_while_importing(world.stores, watched.id, url, plan)))
            world.run(world.stores.catalogue.save_venue(match.venue))
    took, waited = max(times, key=lambda each: each[1] / each[0])
    note = f"waited {waited * 1000:.0f} ms of {took * 1000:.0f} ms"
    return Row(f"a till's wait for a new plan, {what}", waited / took, "of the import", None, at_most, note)


def imports() -> list[Row]:
    """On both databases."""
    with embedded() as url:
        rows = _pauses(url, "SQLite")
    with on_postgres() as (_, url):
        return rows + _pauses(url, "PostgreSQL")


FIGURES = {"imports": imports}
