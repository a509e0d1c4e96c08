"""Known devices: a browser that has been logged in to an account carries a mark that we have signed.

The mark is ``<device>.<day>.<code>.<day>.<code>…``: a random name, then for each account that was logged in there the
day of its last log-in and a code. Only we can make that code of device, account and day. Nothing is stored. A browser
without a mark for an account, or with one that is too old, is simply a stranger to it.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from jari.ports.system import Chance, Clock
from jari.usecases.tokens import new_token

DEVICE_BYTES = 12
CODE_BYTES = 16
DAY_MS = 24 * 3_600_000
_MARK = re.compile(r"[\w-]{16}(\.\d{5}\.[\w-]{22})*", re.ASCII)  # `DEVICE_BYTES` and `CODE_BYTES` in base64


@dataclass(frozen=True, slots=True)
class Entry:
    """Says that an account was logged in at the device on a day; good if the code is ours."""

    day: str
    code: str


class Devices:
    """Makes and reads the marks; ``key`` is secret and the same for all processes.

    An account is known at a device for ``days`` after it was logged in there. This process's clock counts them: over a
    year an hour or two do not matter.
    """

    def __init__(
        self, key: bytes, clock: Clock, chance: Chance, *, accounts_per_device: int, days: int
    ) -> None:
        self._key = key
        self._clock = clock
        self._chance = chance
        self._accounts_per_device = accounts_per_device
        self._days = days

    def known(self, mark: str | None, account: str) -> str | None:
        """The name of the device that the mark is from, if the account has been logged in there."""
        device, entries = self._read(mark)
        return device if any(self._is_of(entry, device, account) for entry in entries) else None

    def marked(self, mark: str | None, account: str) -> str:
        """The mark of a device on which this account is logged in now. The longest unused account may have to go."""
        device, entries = self._read(mark)
        day = f"{self._today():05}"
        new = Entry(day, self._code(device, account, day))
        others = [entry for entry in entries if not self._is_of(entry, device, account)]
        remembered = (new, *others[: self._accounts_per_device - 1])
        return ".".join((device, *(f"{entry.day}.{entry.code}" for entry in remembered)))

    def _read(self, mark: str | None) -> tuple[str, list[Entry]]:
        """The device, and its entries that are not too old. Text that is no mark gives a new device."""
        if mark is None or not _MARK.fullmatch(mark):
            return new_token(self._chance, DEVICE_BYTES), []
        device, *parts = mark.split(".")
        entries = [Entry(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        oldest = self._today() - self._days
        return device, [each for each in entries[: self._accounts_per_device] if int(each.day) >= oldest]

    def _today(self) -> int:
        """Days since 1970."""
        return self._clock.now_ms() // DAY_MS

    def _is_of(self, entry: Entry, device: str, account: str) -> bool:
        return hmac.compare_digest(entry.code, self._code(device, account, entry.day))

    def _code(self, device: str, account: str, day: str) -> str:
        digest = hmac.digest(self._key, f"{device}.{account}.{day}".encode(), hashlib.sha256)[:CODE_BYTES]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
