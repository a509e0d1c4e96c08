"""The description of the API as it is handed out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """The OpenAPI document, the same as a page, and the page of all errors."""

    document: bytes
    page: str
    errors: str
