"""Bytes → text → typed JSON, with every failure turned into a ``BadPlan`` that names place and reason."""

import codecs
import re
from typing import Final, TypeVar

import msgspec

from jari.domain.errors import BadPlan

T = TypeVar("T")

WHOLE_FILE: Final = "the whole file"

_BYTE = re.compile(r" \(byte (\d+)\)$")
_PATH = re.compile(r" - at `\$\.?(.*)`$", re.DOTALL)
_NOT_A_NUMBER = re.compile(rb"(?<![\w\"])-?(?:nan|inf(?:inity)?)(?![\w\"])", re.IGNORECASE)
_NOT_A_NUMBER_REACH = 10
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text(data: bytes) -> str:
    """The file as text, without a byte order mark.

    Raises:
        BadPlan: the file is empty or not UTF-8; names the line of the first wrong byte.
    """
    if not data.strip():
        raise BadPlan(f"{WHOLE_FILE}: it is empty")
    if data.startswith(_UTF_16):
        raise BadPlan(f"{WHOLE_FILE}: it is UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = "it is binary or of another encoding (EUC-KR?); save it as UTF-8"
        raise BadPlan(f"line {line}, byte {error.start}: not UTF-8 text: {reason}") from error


def json(data: bytes, kind: type[T]) -> T:
    """``data`` decoded as JSON of the shape ``kind``.

    Raises:
        BadPlan: naming the field's path, or line and column where it is no JSON at all.
    """
    raw = text(data).encode()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        place, reason = _place_and_reason(error)
        raise BadPlan(f"{place}: {reason}") from error
    except msgspec.DecodeError as error:
        raise _malformed(raw, str(error), kind) from error
    except RecursionError as error:
        raise BadPlan(f"{WHOLE_FILE}: it is nested too deeply to be a plan") from error


def _place_and_reason(error: msgspec.ValidationError) -> tuple[str, str]:
    message = str(error)
    path = _PATH.search(message)
    return (path[1] if path else WHOLE_FILE), _PATH.sub("", message)


def _malformed(raw: bytes, message: str, kind: type[object]) -> BadPlan:
    """Why ``raw`` is no JSON, and where.

    Many programs write NaN and Infinity. msgspec calls them broken JSON and names only the byte, so this finds a better
    sentence for them.
    """
    offset = min(int(byte[1]) if (byte := _BYTE.search(message)) else len(raw), len(raw))
    if word := _NOT_A_NUMBER.search(raw, max(0, offset - _NOT_A_NUMBER_REACH), offset + _NOT_A_NUMBER_REACH):
        place = _path_of(raw, word, kind) or _line(raw, word.start())
        return BadPlan(
            f"{place}: {word[0].decode()} is not a number that a plan may carry; give a finite one"
        )
    return BadPlan(f"{_line(raw, offset)}: not JSON: {_BYTE.sub('', message)}")


def _path_of(raw: bytes, word: re.Match[bytes], kind: type[object]) -> str | None:
    """The path of the value that ``word`` is: with null in its place, msgspec refuses and names that path."""
    try:
        msgspec.json.decode(raw[: word.start()] + b"null" + raw[word.end() :], type=kind)
    except msgspec.ValidationError as error:
        return f"{_place_and_reason(error)[0]} ({_line(raw, word.start())})"
    except (msgspec.DecodeError, RecursionError):
        return None
    return None


def _line(raw: bytes, offset: int) -> str:
    start = raw.rfind(b"\n", 0, offset) + 1
    line = raw.count(b"\n", 0, offset) + 1
    column = len(raw[start:offset].decode(errors="replace")) + 1
    return f"line {line}, column {column}"
