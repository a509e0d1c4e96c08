"""The table of endpoints: everything that this server answers to, and nothing else."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from jari.web.api import (
    accounts,
    catalogue,
    documentation,
    holds,
    operations,
    payments,
    reservations,
    tickets,
)
from jari.web.api.description import Description
from jari.web.api.endpoints import Endpoint, Kind
from jari.web.api.openapi import document
from jari.web.live import following
from jari.web.site import pages

TABLE: tuple[Endpoint[Any, Any, Any], ...] = (
    *holds.ENDPOINTS,
    *reservations.ENDPOINTS,
    *payments.ENDPOINTS,
    *tickets.ENDPOINTS,
    *catalogue.ENDPOINTS,
    *following.ENDPOINTS,
    *accounts.ENDPOINTS,
    *operations.ENDPOINTS,
    *documentation.ENDPOINTS,
    *pages.ENDPOINTS,
)


def api() -> Iterator[Endpoint[Any, Any, Any]]:
    """The rows of the API: all but the pages."""
    return (each for each in TABLE if each.kind is not Kind.PAGE)


def answers() -> tuple[type, ...]:
    """The type of every answer, once each, in the order of the table."""
    return tuple(dict.fromkeys(each.answer for each in TABLE if each.answer is not None))


def bodies() -> tuple[Any, ...]:
    """The type of every body, once each, in the order of the table."""
    return tuple(dict.fromkeys(each.body for each in TABLE if each.body is not None))


def description() -> Description:
    """The description of the table, written once."""
    return documentation.describe(document(TABLE, version("jari")))
