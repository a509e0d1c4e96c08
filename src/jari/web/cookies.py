"""The two cookies: the session of who is logged in, and the mark of a device that was logged in on before."""

import re

from jari.settings import Settings


class Cookies:
    """Names, lifetimes and flags of the cookies."""

    def __init__(self, settings: Settings) -> None:
        is_secure = settings.public_url.startswith("https:")
        self._session_name = "__Host-jari" if is_secure else "jari"
        self._device_name = f"{self._session_name}-device"
        self._session_pattern = _pattern(self._session_name)
        self._device_pattern = _pattern(self._device_name)
        self._session_seconds = settings.session_hours * 3_600
        self._device_seconds = settings.device_days * 24 * 3_600
        self._flags = "; HttpOnly; Path=/; SameSite=lax" + ("; Secure" if is_secure else "")

    def session(self, header: bytes | None) -> str | None:
        """The session's token in a ``Cookie`` header; of several, the last."""
        return _find(self._session_pattern, header)

    def device(self, header: bytes | None) -> str | None:
        """The known device's mark in a ``Cookie`` header; of several, the last."""
        return _find(self._device_pattern, header)

    def entering(self, session: str, device: str) -> list[tuple[bytes, bytes]]:
        """The headers that begin a session and mark the device."""
        return [
            self._set(self._session_name, session, self._session_seconds),
            self._set(self._device_name, device, self._device_seconds),
        ]

    def leaving(self) -> list[tuple[bytes, bytes]]:
        """The headers that end the session; the device stays known."""
        return [self._set(self._session_name, "", 0)]

    def _set(self, name: str, value: str, lifetime_seconds: int) -> tuple[bytes, bytes]:
        return b"set-cookie", f"{name}={value}; Max-Age={lifetime_seconds}{self._flags}".encode("latin1")


def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|;)\s*%b\s*=([^;]*)" % name.encode())


def _find(pattern: re.Pattern[bytes], header: bytes | None) -> str | None:
    values = pattern.findall(header) if header is not None else None
    return values[-1].strip().strip(b'"').decode("latin1") if values else None
