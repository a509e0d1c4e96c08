"""Addresses on the web."""

from urllib.parse import urlsplit


def is_url(text: str) -> bool:
    """Whether something can be sent there: it is one of http or https, and names a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is no number, or a host that looks like an IPv6 address and is none
        return False
