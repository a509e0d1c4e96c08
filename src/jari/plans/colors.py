"""Colours for plans whose format has none, or writes them in another way."""

import re
from typing import Final

PALETTE: Final = (
    "#d64545",
    "#e8833a",
    "#3b82c4",
    "#2f3e75",
    "#4c9a5b",
    "#8e5bb5",
    "#c2a03a",
    "#3aa6a0",
    "#b5527e",
    "#6b7280",
)
"""Most eyes tell these apart at the size of a dot. Grades take them in order of appearance."""

DEFAULT_SHAPE: Final = "#dddddd"

_LONG = re.compile(r"#[0-9a-fA-F]{6}")
_SHORT = re.compile(r"#[0-9a-fA-F]{3}")
_CHANNELS = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,[^)]*)?\)", re.ASCII)
_MAX_CHANNEL = 255


def palette(index: int) -> str:
    """The colour of the ``index``-th grade, from 0. After the last colour the palette starts again."""
    return PALETTE[index % len(PALETTE)]


def normalised(color: str, otherwise: str) -> str:
    """``#rrggbb`` for the CSS colours ``#rrggbb``, ``#rgb`` and ``rgb(…)``; ``otherwise`` for any other."""
    if _LONG.fullmatch(color):
        return color
    if _SHORT.fullmatch(color):
        return "#" + "".join(digit * 2 for digit in color[1:])
    if channels := _CHANNELS.fullmatch(color):
        return "#" + "".join(f"{min(int(channel), _MAX_CHANNEL):02x}" for channel in channels.groups())
    return otherwise
