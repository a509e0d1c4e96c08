"""The lines of the table, and the comparison of two loads that take turns."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table. ``at_least`` or ``at_most`` is what the project promises."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def promise(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:,g}"
        return "" if self.at_most is None else f"at most {self.at_most:,g}"

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


def ratio(values: Sequence[float], peers: Sequence[float]) -> float:
    """The median over rounds of ours against the peer in the same round. A slow machine slows both alike."""
    return statistics.median(value / peer for value, peer in zip(values, peers, strict=True))
