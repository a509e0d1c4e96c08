"""The two cookies: who is logged in, and which device somebody has logged in on before."""

from jari.settings import Settings


class Cookies:
    """Names, lifetimes and flags of the cookies."""

    def __init__(self, settings: Settings) -> None:
        is_secure = settings.public_url.startswith("https:")
        self.session_name = "__Host-jari" if is_secure else "jari"
        self.device_name = f"{self.session_name}-device"
        self._session_seconds = settings.session_hours * 3_600
        self._device_seconds = settings.device_days * 24 * 3_600
        self._flags = "; HttpOnly; Path=/; SameSite=lax" + ("; Secure" if is_secure else "")

    def entering(self, session: str, device: str) -> list[tuple[bytes, bytes]]:
        """The headers that begin a session and mark the device."""
        return [
            self._set(self.session_name, session, self._session_seconds),
            self._set(self.device_name, device, self._device_seconds),
        ]

    def leaving(self) -> list[tuple[bytes, bytes]]:
        """The headers that end the session; the device stays known."""
        return [self._set(self.session_name, "", 0)]

    def _set(self, name: str, value: str, lifetime_seconds: int) -> tuple[bytes, bytes]:
        return b"set-cookie", f"{name}={value}; Max-Age={lifetime_seconds}{self._flags}".encode("latin1")


def cookie(header: str, name: str) -> str | None:
    """The value of a cookie in a ``Cookie`` header; the last of several of that name."""
    value = None
    for part in header.split(";"):
        key, _, rest = part.partition("=")
        if key.strip() == name:
            value = rest.strip()
    return value
