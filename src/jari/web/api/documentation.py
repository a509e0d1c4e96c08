"""The API described for programs (``/openapi.json``) and for people (``/docs``), both from one document."""

from html import escape
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from jari.domain import errors
from jari.settings import Settings
from jari.web.api.openapi import document
from jari.web.api.requests import route
from jari.web.errors import status_of
from jari.web.site.pages import POLICY

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>jari API</title><link rel="stylesheet" href="/static/docs.css"></head>
<body><main><h1>jari API</h1>
<p>Answers are <code>{{"status": 200, "data": …}}</code>; refusals are
<code>application/problem+json</code>. The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
{body}</main></body></html>
"""


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of the documentation."""
    described = document(version("jari"))
    as_json = msgspec.json.encode(described)
    as_page = PAGE.format(body=_operations(described))
    as_errors = PAGE.format(body=_errors())

    async def openapi(_: Request) -> Response:
        return Response(as_json, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def docs(_: Request) -> Response:
        return HTMLResponse(as_page, headers=POLICY)

    async def error_list(_: Request) -> Response:
        return HTMLResponse(as_errors, headers=POLICY)

    return [
        route("/openapi.json", settings, GET=openapi),
        route("/docs", settings, GET=docs),
        route("/docs/errors", settings, GET=error_list),
    ]


def _operations(described: dict[str, Any]) -> str:
    parts = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            names = ", ".join(each["name"] for each in operation.get("parameters", ()))
            parts.append(
                f"<section><h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>"
                f"<p>{escape(operation['summary'])}</p>"
                f"<p>{'Parameters: ' + escape(names) + '. ' if names else ''}{_body(operation)}"
                f"Answers: {', '.join(operation['responses'])}.</p></section>"
            )
    shapes = escape(msgspec.json.format(msgspec.json.encode(described["components"]["schemas"])).decode())
    return f"{''.join(parts)}<section><h2>Shapes</h2><pre>{shapes}</pre></section>"


def _body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = [each["$ref"].rpartition("/")[2] for each in schema.get("oneOf", [schema]) if "$ref" in each]
    return f"Body: {escape(' or '.join(names))}. "


def _errors() -> str:
    kinds: list[type[errors.JariError]] = sorted(_all_kinds(errors.JariError), key=lambda kind: kind.code)
    rows = "".join(
        f'<tr id="{kind.code}"><td><code>{kind.code}</code></td><td>{status_of(kind(""))}</td>'
        f"<td>{escape(kind.title)}</td><td>{escape((kind.__doc__ or '').splitlines()[0])}</td></tr>"
        for kind in kinds
    )
    return f"<section><h2>Errors</h2><table>{rows}</table></section>"


def _all_kinds(kind: type[errors.JariError]) -> set[type[errors.JariError]]:
    found = set()
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            found |= {each, *_all_kinds(each)}
    return found
