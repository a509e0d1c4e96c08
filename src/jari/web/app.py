"""The ASGI application: answers the addresses of the table, and passes all others to what is mounted there."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from jari import metrics
from jari.domain.errors import JariError, NotFound
from jari.web.api.endpoints import Kind
from jari.web.api.routes import Routes
from jari.web.api.shell import AnyEndpoint, Shell
from jari.web.api.table import TABLE
from jari.web.errors import BadRequest, problem
from jari.web.services import Services

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


class Addresses:
    """Answers each request as the row for its address and method says."""

    def __init__(self, table: Iterable[AnyEndpoint], services: Services, elsewhere: ASGIApp) -> None:
        self.routes: Routes[Shell] = Routes(
            (method, path, shell)
            for row in table
            for shell in (Shell(row, services),)
            for path in row.paths
            for method in methods_of(row)
        )
        self._elsewhere = elsewhere

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request. Other ASGI scopes, and addresses that the table lacks, go elsewhere."""
        if scope["type"] != "http":
            return self._elsewhere(scope, receive, send)
        shells, ids = self.routes.find(scope["path"]) or ({}, ())
        shell = shells.get(scope["method"])
        if shell is not None:
            return shell(ids, scope, receive, send)
        if shells:
            return refuse(WrongMethod(scope["method"], shells), scope, receive, send)
        return self._elsewhere(scope, receive, send)


def build_app(services: Services, lifespan: Lifespan, mounts: Mapping[str, ASGIApp]) -> Addresses:
    """The whole application; ``mounts`` are other applications at paths of their own."""
    others = Router(
        [Mount(path, app) for path, app in mounts.items()],
        default=nothing_here,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    return Addresses(TABLE, services, services.deadlines.around(others, services.settings.request_seconds))


def methods_of(row: AnyEndpoint) -> tuple[str, ...]:
    """The methods that a row answers to: GET brings HEAD with it, except for a stream."""
    has_head = row.method == "GET" and row.kind is not Kind.STREAM
    return (row.method, "HEAD") if has_head else (row.method,)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer where nothing is: 404."""
    if scope["type"] == "http":
        await refuse(NotFound("There is nothing at this address: see /docs."), scope, receive, send)


async def refuse(refusal: JariError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that reaches no endpoint."""
    reply = problem(refusal)
    if isinstance(refusal, WrongMethod):
        reply.raw_headers.append((b"allow", ", ".join(refusal.allowed).encode()))
    metrics.requests.count(reply.status_code)
    await reply(scope, receive, send)


class WrongMethod(BadRequest):
    """The address exists, but does not take this method."""

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        super().__init__(
            f"This address does not take {method}: see /docs.",
            status=405,
            code="METHOD_NOT_ALLOWED",
            title="Wrong method",
        )
        self.allowed = allowed
