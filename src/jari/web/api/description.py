"""The description of the API, in the forms in which it is served."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """The OpenAPI document, the same as a page, and the page of all errors."""

    document: bytes
    page: str
    errors: str
