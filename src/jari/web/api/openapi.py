"""The OpenAPI document (3.1): a translation of the table, and of the types that it names."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from jari.domain.errors import (
    Forbidden,
    Invalid,
    JariError,
    KeyReused,
    NotFound,
    StillRunning,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from jari.domain.permissions import Action, Grant, grant
from jari.domain.users import Role
from jari.web.api.endpoints import Endpoint, Kind, Limit
from jari.web.api.shapes import Id, IdempotencyKey
from jari.web.errors import Problem, status_of_kind

JSON = "application/json"
PROBLEM = "application/problem+json"

Json = dict[str, Any]
AnyEndpoint = Endpoint[Any, Any, Any]
Codes = dict[int, set[str]]

# Refusals of any request, of any request that changes something, and of any request with a body.
ARRIVING: Codes = {
    400: {"MALFORMED_REQUEST"},
    408: {"REQUEST_TIMEOUT"},
    414: {"URL_TOO_LONG"},
    431: {"HEADERS_TOO_LARGE"},
}
CHANGING: Codes = {413: {"BODY_TOO_LARGE"}}
WITH_BODY: Codes = {415: {"UNSUPPORTED_MEDIA_TYPE"}}

LIMITS = {
    Limit.SIGN_UPS: "Sign-ups are counted by address.",
    Limit.LOG_INS: "Log-ins and changes of passwords are counted by account and by address.",
    Limit.VIEWERS: "The streams that are open are counted by address.",
    Limit.PAPERS: "The papers that wait are counted by user.",
}


def document(table: Iterable[AnyEndpoint], version: str) -> Json:
    """The description of these endpoints as one JSON object."""
    rows = [each for each in table if each.kind is not Kind.PAGE]
    kinds = [kind for each in rows for kind in (each.body, each.answer, each.query) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [*kinds, Problem], ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip([*kinds, Problem], schemas, strict=True))
    translation = Translation(schema_of, components)
    paths: Json = {}
    for row in rows:
        for path in row.paths:
            paths.setdefault(_named(path), {})[row.method.lower()] = translation.operation(row)
    for query in {each.query for each in rows if each.query is not None}:
        del components[query.__name__]  # its fields become parameters
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jari",
            "version": version,
            "description": (
                "Reserved seats for a crowd: every change live, no seat sold twice. Unknown query parameters are "
                "ignored, unknown fields of a body are refused."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "jari"}},
        },
    }


class Translation:
    """Writes rows as operations."""

    def __init__(self, schema_of: dict[Any, Json], components: Json) -> None:
        self._schema_of = schema_of
        self._components = components

    def operation(self, row: AnyEndpoint) -> Json:
        """What one row does."""
        said: Json = {
            "summary": row.summary,
            "description": _description(row),
            "parameters": [*_path_parameters(row.path), *self._query(row), *_key(row)],
            "responses": {**self._successes(row), **self._refusals(row)},
        }
        if row.body is not None:
            said["requestBody"] = {"required": True, "content": {JSON: {"schema": self._schema_of[row.body]}}}
        if not row.is_public:
            said["security"] = [{"session": []}]
        return said

    def _query(self, row: AnyEndpoint) -> list[Json]:
        if row.query is None:
            return []
        schema = self._components[row.query.__name__]
        required = schema.get("required", ())
        return [
            {"name": name, "in": "query", "required": name in required, "schema": _without_null(each)}
            for name, each in schema["properties"].items()
        ]

    def _successes(self, row: AnyEndpoint) -> Json:
        said = {
            str(status): {"description": why, "content": {row.media: {"schema": self._success(row, status)}}}
            for status, why in {row.status: "Done", **row.other_statuses}.items()
        }
        if row.kind is Kind.DOCUMENT:
            said["304"] = {"description": "It is still what If-None-Match names"}
        return said

    def _success(self, row: AnyEndpoint, status: int) -> Json:
        if row.answer is None:
            return {} if row.media == JSON else {"type": "string"}
        return {
            "type": "object",
            "properties": {"status": {"const": status}, "data": self._schema_of[row.answer]},
            "required": ["status", "data"],
        }

    def _refusals(self, row: AnyEndpoint) -> Json:
        return {
            str(status): {
                "description": " or ".join(sorted(codes)),
                "content": {
                    PROBLEM: {
                        "schema": {
                            "allOf": [
                                self._schema_of[Problem],
                                {"properties": {"code": {"enum": sorted(codes)}}},
                            ]
                        }
                    }
                },
            }
            for status, codes in sorted(refusals_of(row).items())
        }


def refusals_of(row: AnyEndpoint) -> Codes:
    """Status → the codes of the row's refusals: those that it names, and those that its other columns imply."""
    kinds: set[type[JariError]] = {*row.refusals, Unavailable}
    if not row.is_public:
        kinds |= {Unauthenticated, Forbidden}
    if row.method != "GET":
        kinds.add(Forbidden)  # refuses requests from other sites' pages
    if row.query is not None or row.body is not None:
        kinds.add(Invalid)
    if "{" in row.path.replace("{occasion}", ""):
        kinds.add(NotFound)
    if row.takes_key:
        kinds |= {Invalid, KeyReused, StillRunning}
    if row.limit is not None:
        kinds.add(TooManyAttempts)
    codes = {status: set(names) for status, names in ARRIVING.items()}
    if row.method != "GET":
        codes |= CHANGING
    if row.body is not None:
        codes |= WITH_BODY
    for kind in kinds:
        codes.setdefault(status_of_kind(kind), set()).add(kind.code)
    return codes


def who_may(action: Action) -> str:
    """Who may do it, in words."""
    if grant(action, None) is Grant.ANY:
        return "Anybody"
    words = {Grant.NONE: None, Grant.OWN: "{}s (their own)", Grant.ANY: "{}s"}
    said = [words[grant(action, each)] for each in Role]
    return ", ".join(word.format(role) for word, role in zip(said, Role, strict=True) if word).capitalize()


def _description(row: AnyEndpoint) -> str:
    limit = [] if row.limit is None else [LIMITS[row.limit]]
    return " ".join([f"{who_may(row.action)} may {row.action}.", *limit])


def _named(path: str) -> str:
    return re.sub(r"{(\w+)(:\w+)?}", lambda part: f"{{{_parameter(part[1])}}}", path)


def _parameter(what: str) -> str:
    return what if what == "gateway" else f"{what}Id"


def _path_parameters(path: str) -> list[Json]:
    return [
        {
            "name": _parameter(what),
            "in": "path",
            "required": True,
            "schema": {"type": "string"} if kind else msgspec.json.schema(Id),
        }
        for what, kind in re.findall(r"{(\w+)(:\w+)?}", path)
        if what != "occasion"
    ]


def _key(row: AnyEndpoint) -> list[Json]:
    if not row.takes_key:
        return []
    return [{"name": "Idempotency-Key", "in": "header", "schema": msgspec.json.schema(IdempotencyKey)}]


def _without_null(schema: Json) -> Json:
    """The schema without null: a parameter may be left out, but is never null."""
    said = {key: value for key, value in schema.items() if key != "default"}
    choices = [each for each in said.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        del said["anyOf"]
        said |= choices[0]
    return said
