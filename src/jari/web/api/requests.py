"""Reading requests: bodies, parameters, who asks, and whether a browser may ask that from where it is."""

import functools
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from jari import metrics
from jari.domain.errors import Forbidden, Invalid, JariError, NotFound
from jari.domain.ids import MAX_ID, is_id, read_id
from jari.domain.users import User
from jari.ports import RequestKey
from jari.settings import Settings
from jari.usecases.accounts import Accounts
from jari.web.addresses import address_group
from jari.web.api import paths as paths  # noqa: PLC0414 - registers the convertors that routes use
from jari.web.errors import BadRequest, problem, unexpected

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]

MAX_KEY_LENGTH = 255
NOT_FOUND = 404
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY = re.compile(r"[\x21-\x7e]+")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def described(**schema: Any) -> msgspec.Meta:
    """What the OpenAPI document says of a field besides its type; the domain's own rules refuse what does not fit."""
    return msgspec.Meta(extra_json_schema=schema)


Id = Annotated[int, described(minimum=1, maximum=MAX_ID)]
IdempotencyKey = Annotated[str, described(minLength=1, maxLength=MAX_KEY_LENGTH, pattern=f"^{_KEY.pattern}$")]


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a request body may hold: camelCase on the wire, and nothing that is not named."""


class Nothing(Body):
    """An empty object: the address says it all."""


class Endpoint:
    """The handlers of one path as a raw ASGI application: refusals become problems, faults are logged."""

    def __init__(self, settings: Settings, handlers: Mapping[str, Handler]) -> None:
        self._handlers = {**handlers, "HEAD": handlers["GET"]} if "GET" in handlers else handlers
        self._public_origin = settings.public_url.rstrip("/")
        self._max_body_bytes = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            handle = self._handlers.get(scope["method"])
            if handle is None:
                response = self._refuse_method(request)
            else:
                if scope["method"] not in SAFE_METHODS:
                    self._check_origin(request)
                    if scope["method"] not in _METHODS_WITH_BODY:  # the others read it themselves
                        await read_body(request, self._max_body_bytes)  # nothing is done before it is whole
                response = await handle(request)
        except JariError as refusal:
            response = problem(refusal)
        except ClientDisconnect:  # gone in the middle of its body: no fault, and nobody to answer
            return
        except Exception as error:  # noqa: BLE001 - logged and answered here
            response = unexpected(error, request.url.path)
        count_request(response.status_code)
        await response(scope, receive, send)

    def _refuse_method(self, request: Request) -> Response:
        refusal = BadRequest(
            f"This address does not take {request.method}: see /docs.",
            status=405,
            code="METHOD_NOT_ALLOWED",
            title="Wrong method",
        )
        response = problem(refusal)
        response.headers["Allow"] = ", ".join(self._handlers)
        return response

    def _check_origin(self, request: Request) -> None:
        """Refuse what another site made a browser send.

        Browsers say so in Sec-Fetch-Site, older ones in Origin; a request with neither comes from no browser,
        and so without anybody's cookies but its own.
        """
        headers = request.headers
        site = headers.get("sec-fetch-site")
        if site is not None:
            allowed = site == "same-origin"
        else:
            origin = headers.get("origin")
            own = self._public_origin or f"{request.url.scheme}://{headers.get('host', '')}"
            allowed = origin is None or origin == own
        if not allowed:
            raise Forbidden("This request came from another site, so nothing was done: use jari's own page.")
        if request.method in _METHODS_WITH_BODY:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise BadRequest(
                    "Send a JSON body with the header Content-Type: application/json.",
                    status=415,
                    code="UNSUPPORTED_MEDIA_TYPE",
                    title="Only JSON is understood",
                )


def route(path: str, settings: Settings, **handlers: Handler) -> Route:
    """A route to the handlers of a path, named by their methods: ``GET=…, POST=…``."""
    return Route(path, Endpoint(settings, handlers))


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for every path that no route has."""
    if scope["type"] == "http":
        count_request(NOT_FOUND)
        await problem(NotFound("There is nothing at this address: see /docs."))(scope, receive, send)


@functools.cache
def _counter(status: int) -> Counter:
    return metrics.requests.labels(status)


def count_request(status: int) -> None:
    """Count an answer."""
    _counter(status).inc()


class Reader:
    """Reads the parts of a request within the limits of the settings."""

    def __init__(self, accounts: Accounts, settings: Settings) -> None:
        self._accounts = accounts
        self._max_body_bytes = settings.max_body_bytes
        self.cookie_name = "__Host-jari" if settings.public_url.startswith("https:") else "jari"
        self.device_cookie_name = f"{self.cookie_name}-device"

    async def user(self, request: Request) -> User:
        """Who is asking.

        Raises:
            Unauthenticated: nobody.
        """
        return await self._accounts.user_of(self.token(request))

    def token(self, request: Request) -> str | None:
        """The session token that came along."""
        return request.cookies.get(self.cookie_name)

    def device(self, request: Request) -> str | None:
        """The mark that came along of a device on which somebody has logged in before."""
        return request.cookies.get(self.device_cookie_name)

    async def body_bytes(self, request: Request) -> bytes:
        """The whole body.

        Raises:
            BadRequest: it is longer than the limit.
        """
        return await read_body(request, self._max_body_bytes)

    async def body(self, request: Request, decoder: msgspec.json.Decoder[T]) -> tuple[T, bytes]:
        """The decoded body, and its bytes.

        Raises:
            Invalid: it is not JSON of that shape; says where.
        """
        data = await self.body_bytes(request)
        try:
            return decoder.decode(data), data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"The body does not fit: {error}.") from None


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        BadRequest: it is longer than the limit.
    """
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise BadRequest(
                f"The body is larger than {max_bytes} bytes: send less.",
                status=413,
                code="BODY_TOO_LARGE",
                title="The request is too large",
            )
        chunks.append(chunk)
    return b"".join(chunks)


def request_key(request: Request, buyer: User, body: bytes) -> RequestKey | None:
    """The request's Idempotency-Key with the fingerprint of what it came with.

    Raises:
        Invalid: the key has an impossible form.
    """
    key = plain_key(request)
    if key is None:
        return None
    fingerprint = hashlib.sha256(request.url.path.encode() + b"?" + request.url.query.encode() + b"\n" + body)
    return RequestKey(f"user-{buyer.id}", key, fingerprint.hexdigest())


def plain_key(request: Request) -> str | None:
    """The request's Idempotency-Key.

    Raises:
        Invalid: it has an impossible form.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise Invalid(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} visible ASCII characters: send another.")
    return key


def path_id(request: Request, name: str, what: str) -> int:
    """A number from the path.

    Raises:
        NotFound: no id is that large.
    """
    return known_id(request.path_params[name], what)


def known_id(number: int, what: str) -> int:
    """The number, if it can be an id at all.

    Raises:
        NotFound: it cannot.
    """
    if not is_id(number):
        raise NotFound(f"There is no such {what}: ids are positive numbers of at most 63 bits.")
    return number


def query_int(request: Request, name: str, default: int) -> int:
    """A positive number from the query.

    Raises:
        Invalid: it is something else.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    number = read_id(text)
    if number is None:
        raise Invalid(f"'{name}' is {text[:40]!r}, but must be a positive whole number of at most 63 bits.")
    return number


def client_address(request: Request) -> str:
    """The address that limits count by."""
    return address_group(request.client.host) if request.client else "unknown"
