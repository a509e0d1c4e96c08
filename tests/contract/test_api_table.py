"""The table of endpoints, the document made from it and what the server really answers to are the same."""

import inspect
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import msgspec
import pytest

from jari.domain.permissions import Action
from jari.main import Application, open_devices, open_signer, open_stores
from jari.settings import Settings
from jari.usecases.gateways import Gateways
from jari.web.api import table
from jari.web.api.calls import Call
from jari.web.api.endpoints import Endpoint, Kind
from jari.web.api.openapi import document
from jari.web.api.shapes import Answer, Body
from jari.web.app import Addresses
from jari.web.services import Services

ROWS = {f"{row.method} {row.path}": row for row in table.TABLE}


@pytest.fixture
async def addresses() -> AsyncIterator[Addresses]:
    settings = Settings(database="memory:")
    stores = await open_stores(settings)
    devices = await open_devices(stores.duties, settings)
    yield Application(stores, await open_signer(stores.duties), devices, Gateways([], None), settings).asgi()
    await stores.close()


def nameless(path: str) -> str:
    return re.sub(r"{.*?}", "{}", path)


def described(rows: Iterable[Endpoint[Any, Any, Any]]) -> set[tuple[str, str]]:
    return {
        (method.upper(), nameless(path))
        for path, methods in document(rows, "1")["paths"].items()
        for method in methods
    }


def answered(addresses: Addresses) -> set[tuple[str, str]]:
    """Method and path of everything that the server answers to, but what it answers to HEAD."""
    return {(method, path) for method, path in addresses.routes if method != "HEAD"}


PAGES = {("GET", nameless(row.path)) for row in table.TABLE if row.kind is Kind.PAGE}


def test_what_is_answered_is_described_and_what_is_described_is_answered(addresses: Addresses) -> None:
    assert answered(addresses) == described(table.TABLE) | PAGES


async def unheard_of(_: Services, __: Call[None, None]) -> None:
    """Nothing that anybody knows of."""


STRAY = Endpoint("GET", "/api/unheard-of", unheard_of, Action.LOOK)


def test_an_address_that_is_not_in_the_table_is_found_out(addresses: Addresses) -> None:
    services = next(iter(addresses.routes.find("/livez")[0].values()))._services
    more = Addresses((*table.TABLE, STRAY), services, addresses._elsewhere)
    assert answered(more) - described(table.TABLE) - PAGES == {("GET", "/api/unheard-of")}


def test_a_row_that_is_not_answered_is_found_out(addresses: Addresses) -> None:
    assert described((*table.TABLE, STRAY)) - answered(addresses) == {("GET", "/api/unheard-of")}


def test_two_rows_for_one_address_are_refused(addresses: Addresses) -> None:
    services = next(iter(addresses.routes.find("/livez")[0].values()))._services
    with pytest.raises(ValueError, match="GET /livez stands in the table twice"):
        Addresses((*table.TABLE, ROWS["GET /livez"]), services, addresses._elsewhere)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/matches/{}", 200, "<!doctype html>"),
        ("GET", "/checkout/{}", 200, "<!doctype html>"),
        ("GET", "/api/matches/{}", 404, "There is no such schedule"),
        ("GET", "/api/matches/1/blocks/{}/seats/status-stream", 404, "There is no such block"),
        ("GET", "/api/reservations/{}", 401, "You are not logged in"),
        ("POST", "/api/matches/{}", 405, "This address does not take POST"),
    ],
)
@pytest.mark.parametrize("number", [0, 2**63])
async def test_a_number_that_can_be_no_id_changes_neither_a_page_nor_who_may_nor_what_there_is_to_ask(
    addresses: Addresses, method: str, path: str, status: int, said: str, number: int
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(addresses), base_url="http://jari.test"
    ) as client:
        answer = await client.request(method, path.format(number))
    assert answer.status_code == status
    assert said in answer.text


CHANGING = {name: row for name, row in ROWS.items() if row.method != "GET"}


@pytest.mark.parametrize("header", ["sec-fetch-site: cross-site", "sec-fetch-site: none", "origin: null"])
@pytest.mark.parametrize("row", CHANGING.values(), ids=CHANGING)
async def test_no_page_of_another_site_changes_anything(
    addresses: Addresses, row: Endpoint[Any, Any, Any], header: str
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(addresses), base_url="http://jari.test"
    ) as client:
        path = re.sub(r"{.*?}", "1", row.paths[0])
        answer = await client.request(row.method, path, headers=[header.split(": ")], json={})
    assert answer.status_code == 403
    assert "came from another site" in answer.json()["detail"]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_handler_takes_the_services_the_call_and_the_ids_of_its_path(row: Endpoint[Any, Any, Any]) -> None:
    ids = [name for name in re.findall(r"{(\w+)", row.path) if name != "occasion"]
    inspect.signature(row.handle).bind("services", "call", *ids)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_says_what_its_handler_says(row: Endpoint[Any, Any, Any]) -> None:
    """Types that mypy lets pass where a column is empty: what is not named is not asked for."""
    assert row.summary
    services, call, *_ = inspect.get_annotations(row.handle, eval_str=True).values()
    assert (services, call) == (Services, Call[row.query, row.body])


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_names_an_answer_where_it_answers_with_a_struct(row: Endpoint[Any, Any, Any]) -> None:
    assert (row.answer is not None) == (row.kind in {Kind.ANSWER, Kind.DOCUMENT})


def shapes(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    return [kind, *(below for each in kind.__subclasses__() for below in shapes(each))]


@pytest.mark.parametrize("shape", shapes(Answer)[1:] + shapes(Body)[1:], ids=lambda each: each.__name__)
def test_a_shape_is_frozen_and_says_what_it_is(shape: type[msgspec.Struct]) -> None:
    assert shape.__struct_config__.frozen
    assert shape.__doc__


@pytest.mark.parametrize("shape", shapes(Answer)[1:], ids=lambda each: each.__name__)
def test_every_field_of_an_answer_is_always_there(shape: type[msgspec.Struct]) -> None:
    assert all(field.required for field in msgspec.structs.fields(shape))
