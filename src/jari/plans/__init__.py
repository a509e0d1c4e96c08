"""Seating plans in and out: bytes of a known format ↔ ``jari.domain.venues.Venue``.

Formats are functions in a dict. Only one error leaves this package, whatever is wrong with a file: ``BadPlan``. Its
sentence names the file, the place and the reason.
"""

import codecs
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path, PurePath
from typing import Final

import msgspec

from jari.domain.errors import BadPlan, NotFound
from jari.domain.venues import Venue, shown, validate
from jari.plans import csv_plan, decoding, native, pretix

MAX_BYTES: Final = 32 * 1024 * 1024
"""The largest file of a plan: 200,000 seats listed one by one take about 20 MiB."""

READERS: Final[Mapping[str, Callable[[bytes, str], Venue]]] = {
    "native": lambda data, _name: native.read(data),
    "pretix": lambda data, _name: pretix.read(data),
    "csv": csv_plan.read,
}
"""Format → reader. A reader takes the file's bytes, and a name for a venue whose format carries none."""

WRITERS: Final[Mapping[str, Callable[[Venue], bytes]]] = {
    "native": native.write,
    "pretix": pretix.write,
    "csv": csv_plan.write,
}

SAMPLES: Final = ("ballpark", "theatre", "stadium")


_ABSENT: Final = msgspec.Raw()


class _Outline(msgspec.Struct):
    """The parts of a JSON file that tell its format."""

    format: msgspec.Raw = _ABSENT
    zones: msgspec.Raw = _ABSENT


def read_plan(
    data: bytes,
    *,
    file: str,
    format: str | None = None,  # noqa: A002  # the word users know from the command line
    name: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Venue:
    """A valid venue from a file's bytes; ``name`` overrides the one in the file.

    Raises:
        BadPlan: naming ``file``, place and reason.
    """
    try:
        _check_size(len(data), max_bytes)
        known = _detected(data, file) if format is None else _known(format)
        venue = READERS[known](data, PurePath(file).stem)
        venue = venue if name is None else replace(venue, name=name)
        validate(venue)
    except BadPlan as refusal:
        raise BadPlan(f"{file}: {refusal.detail}") from refusal
    return venue


def read_plan_file(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # as above
    name: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Venue:
    """``read_plan`` of a file on disk. A file that is too large is not opened.

    Raises:
        BadPlan: also if the file does not exist or cannot be read.
    """
    file = Path(path).name or str(path)
    try:
        data = _contents(Path(path), max_bytes)
    except BadPlan as refusal:
        raise BadPlan(f"{file}: {refusal.detail}") from refusal
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadPlan(f"{file}: {decoding.WHOLE_FILE}: it cannot be read: {reason}") from error
    return read_plan(data, file=file, format=format, name=name, max_bytes=max_bytes)


def write_plan(venue: Venue, format: str) -> bytes:  # noqa: A002  # as above
    """The venue in a format of ``WRITERS``.

    Raises:
        BadPlan: the format is not known.
    """
    return WRITERS[_known(format)](venue)


def sample(name: str) -> bytes:
    """A plan that is shipped with jari, in the native format.

    Raises:
        NotFound: there is no such sample.
    """
    if name not in SAMPLES:
        raise NotFound(f"There is no sample plan {shown(name)}; there are {', '.join(SAMPLES)}.")
    return resources.files(__name__).joinpath("samples", f"{name}.json").read_bytes()


def _contents(path: Path, max_bytes: int) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise BadPlan(f"{decoding.WHOLE_FILE}: it is a directory")
    # Reading a pipe or a device may never end, or never begin.
    if not stat.S_ISREG(status.st_mode):
        raise BadPlan(f"{decoding.WHOLE_FILE}: it is not a regular file")
    _check_size(status.st_size, max_bytes)
    with path.open("rb") as file:
        # Read one byte more than allowed, to notice a file that has grown since.
        return file.read(max_bytes + 1)


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise BadPlan(f"{decoding.WHOLE_FILE}: it has {size_bytes} bytes; at most {max_bytes} are allowed")


def _known(format: str) -> str:  # noqa: A002  # as above
    if format not in READERS:
        known = ", ".join(READERS)
        raise BadPlan(f"{decoding.WHOLE_FILE}: the format {shown(format)} is not known; there are {known}")
    return format


def _detected(data: bytes, file: str) -> str:
    """The format of ``data``: by the file's extension, else by its content."""
    extension = PurePath(file).suffix.lower()
    text = data.removeprefix(codecs.BOM_UTF8).lstrip()
    if extension == ".csv":
        return "csv"
    if extension == ".json" or text.startswith(b"{"):
        return _detected_json(data)
    header = decoding.text(data).lstrip().partition("\n")[0].lower()
    if all(column in header for column in csv_plan.REQUIRED):
        return "csv"
    raise BadPlan(
        f"{decoding.WHOLE_FILE}: it is neither JSON nor CSV with a header of section, block, row, …"
    )


def _detected_json(data: bytes) -> str:
    try:
        outline = decoding.json(data, _Outline)
    except BadPlan:
        # Broken JSON, but of which format? That format's reader can name the place better.
        for known, mark in (("native", f'"{native.FORMAT}"'), ("pretix", '"zones"')):
            if mark.encode() in data:
                return known
        raise
    if outline.format is not _ABSENT:
        return "native"
    if outline.zones is not _ABSENT:
        return "pretix"
    expected = f'"format": "{native.FORMAT}" (native) nor "zones" (pretix)'
    raise BadPlan(f"{decoding.WHOLE_FILE}: it is JSON, but has neither {expected}")
