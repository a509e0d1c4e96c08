"""The sandbox as an ASGI application: which address leads where."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from jari.sandbox.api import Api
from jari.sandbox.behaviours import Behaviours
from jari.sandbox.control import Control
from jari.sandbox.errors import fault
from jari.sandbox.ledger import Ledger
from jari.sandbox.options import Options
from jari.sandbox.webhooks import Webhooks
from jari.sandbox.window import STATIC, Window, script
from jari.sandbox.wire import ErrorObject, language_of

Clock = Callable[[], int]


class Sandbox:
    """A payment gateway in memory, as a raw ASGI application. Tests may read ``ledger`` and ``behaviours``.

    As the root application it closes itself with its server. When mounted in another application it does not learn
    that the server ends: the other application must call ``close``, else tasks that send webhooks are left behind.
    """

    def __init__(self, options: Options, clock: Clock) -> None:
        self.ledger = Ledger(options.max_payments)
        self.behaviours = Behaviours()
        self._webhooks = Webhooks(options.webhook_url, options.webhook_backoff_seconds)
        self._api = Api(self.ledger, self.behaviours, self._webhooks, options, clock)
        self._window = Window(self.ledger, clock)
        self._control = Control(self.ledger, self.behaviours) if options.control else None
        self._app = Starlette(
            routes=self._routes(),
            lifespan=self._lifespan,
            exception_handlers={404: _nothing_here, 405: _wrong_method},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through one lifespan."""
        await self._app(scope, receive, send)

    async def close(self) -> None:
        """Give up the webhooks that are not delivered so far."""
        await self._webhooks.close()

    def _routes(self) -> list[BaseRoute]:
        api, window, control = self._api, self._window, self._control
        routes: list[BaseRoute] = [
            Route("/livez", _alive),
            Route("/v2/standard", script),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/pay", window.show, methods=["GET"]),
            Route("/pay", window.choose, methods=["POST"]),
            Route("/v1/payments/confirm", api.confirm, methods=["POST"]),
            Route("/v1/payments/orders/{order_id}", api.by_order, methods=["GET"]),
            Route("/v1/payments/{payment_key}", api.by_key, methods=["GET"]),
            Route("/v1/payments/{payment_key}/cancel", api.cancel, methods=["POST"]),
        ]
        if control is not None:
            routes += [
                Route("/sandbox/behaviours", control.show, methods=["GET"]),
                Route("/sandbox/behaviours", control.add, methods=["POST"]),
                Route("/sandbox/behaviours", control.clear, methods=["DELETE"]),
                Route("/sandbox/ledger", control.ledger, methods=["GET"]),
            ]
        return routes

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self.close()


def build_sandbox(options: Options | None = None, clock: Clock | None = None) -> Sandbox:
    """A sandbox with books of its own; the clock counts milliseconds since 1970."""
    return Sandbox(options or Options(), clock or _now_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _alive(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _nothing_here(request: Request, _: Exception) -> Response:
    return _error("NOT_FOUND", request)


async def _wrong_method(request: Request, _: Exception) -> Response:
    return _error("METHOD_NOT_ALLOWED", request)


def _error(code: str, request: Request) -> Response:
    error = fault(code, language_of(request, "ko"))
    body = msgspec.json.encode(ErrorObject(error.code, error.message))
    return Response(body, error.status, media_type="application/json")
