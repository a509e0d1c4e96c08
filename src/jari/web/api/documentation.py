"""The API described for programs (``/openapi.json``) and for people (``/docs``), both from one document."""

from html import escape
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from jari.domain import errors
from jari.domain.permissions import Action
from jari.web.api.calls import Call
from jari.web.api.description import Description
from jari.web.api.endpoints import Endpoint, Kind
from jari.web.errors import status_of_kind
from jari.web.replies import JSON, Reply
from jari.web.services import Services
from jari.web.site.pages import HTML, POLICY

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>jari API</title><link rel="stylesheet" href="/static/docs.css"></head>
<body><main><h1>jari API</h1>
<p>Answers are <code>{{"status": 200, "data": …}}</code>; refusals are
<code>application/problem+json</code>. The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
{body}</main></body></html>
"""


async def openapi(services: Services, _: Call[None, None]) -> Reply:
    """This description."""
    return Reply(200, [JSON, (b"cache-control", b"no-cache")], services.description.document)


async def docs(services: Services, _: Call[None, None]) -> Response:
    """The description for people."""
    return HTMLResponse(services.description.page, headers=POLICY)


async def error_list(services: Services, _: Call[None, None]) -> Response:
    """What every code of a refusal means."""
    return HTMLResponse(services.description.errors, headers=POLICY)


ENDPOINTS = (
    Endpoint("GET", "/openapi.json", openapi, Action.LOOK, kind=Kind.FILE),
    Endpoint("GET", "/docs", docs, Action.LOOK, kind=Kind.PAGE, media=HTML),
    Endpoint("GET", "/docs/errors", error_list, Action.LOOK, kind=Kind.PAGE, media=HTML),
)


def describe(document: dict[str, Any]) -> Description:
    """The description in its three forms, written once."""
    return Description(
        document=msgspec.json.encode(document),
        page=PAGE.format(body=_operations(document)),
        errors=PAGE.format(body=_errors()),
    )


def _operations(document: dict[str, Any]) -> str:
    parts = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = ", ".join(each["name"] for each in operation.get("parameters", ()))
            parts.append(
                f"<section><h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>"
                f"<p>{escape(operation['summary'])}. {escape(operation['description'])}</p>"
                f"<p>{'Parameters: ' + escape(names) + '. ' if names else ''}{_body(operation)}"
                f"Answers: {', '.join(operation['responses'])}.</p></section>"
            )
    shapes = escape(msgspec.json.format(msgspec.json.encode(document["components"]["schemas"])).decode())
    return f"{''.join(parts)}<section><h2>Shapes</h2><pre>{shapes}</pre></section>"


def _body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = [each["$ref"].rpartition("/")[2] for each in schema.get("anyOf", [schema]) if "$ref" in each]
    return f"Body: {escape(' or '.join(names))}. "


def _errors() -> str:
    kinds: list[type[errors.JariError]] = sorted(_all_kinds(errors.JariError), key=lambda kind: kind.code)
    rows = "".join(
        f'<tr id="{kind.code}"><td><code>{kind.code}</code></td><td>{status_of_kind(kind)}</td>'
        f"<td>{escape(kind.title)}</td><td>{escape((kind.__doc__ or '').splitlines()[0])}</td></tr>"
        for kind in kinds
    )
    return f"<section><h2>Errors</h2><table>{rows}</table></section>"


def _all_kinds(kind: type[errors.JariError]) -> set[type[errors.JariError]]:
    kinds = set()
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            kinds |= {each, *_all_kinds(each)}
    return kinds
