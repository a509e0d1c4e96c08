"""Known devices: a browser that has been logged in to an account carries a mark that we have signed.

The mark is ``<device>.<account>.<account>…``: a random name, and for each account that was logged in there a code that
only we can make of the two. Nothing is stored, and whoever has no mark for an account is simply a stranger to it.
"""

import base64
import hashlib
import hmac
import re
import secrets

DEVICE_BYTES = 12
CODE_BYTES = 16
_MARK = re.compile(r"[\w-]{16}(\.[\w-]{22})*", re.ASCII)  # as long as so many bytes are in base64


class Devices:
    """Makes and reads the marks; ``key`` is secret and the same for all processes."""

    def __init__(self, key: bytes, accounts_per_device: int) -> None:
        self._key = key
        self._accounts_per_device = accounts_per_device

    def known(self, mark: str | None, account: str) -> str | None:
        """The name of the device that the mark is from, if the account has been logged in there."""
        device, codes = self._read(mark)
        expected = self._code(device, account)
        return device if any(hmac.compare_digest(code, expected) for code in codes) else None

    def marked(self, mark: str | None, account: str) -> str:
        """The mark of a device on which this account is logged in now; the longest unused account may have to go."""
        device, codes = self._read(mark)
        new = self._code(device, account)
        others = [code for code in codes if code != new]
        return ".".join((device, new, *others[: self._accounts_per_device - 1]))

    def _read(self, mark: str | None) -> tuple[str, list[str]]:
        """The device and its codes; for anything that is no mark, a new device."""
        if mark is None or not _MARK.fullmatch(mark):
            return secrets.token_urlsafe(DEVICE_BYTES), []
        device, *codes = mark.split(".")
        return device, codes[: self._accounts_per_device]

    def _code(self, device: str, account: str) -> str:
        digest = hmac.digest(self._key, f"{device}.{account}".encode(), hashlib.sha256)[:CODE_BYTES]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
