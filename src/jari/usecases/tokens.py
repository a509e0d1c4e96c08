"""Names that nobody can guess, in letters that need no escaping anywhere."""

import base64

from jari.ports.system import Chance


def new_token(chance: Chance, size_bytes: int) -> str:
    """So many random bytes as URL-safe base64, without padding."""
    return base64.urlsafe_b64encode(chance.randbytes(size_bytes)).decode().rstrip("=")
