"""The shell around every handler: who asks, from where, what was sent, and how it is answered.

For every endpoint alike, the shell turns refusals into problems, and logs faults of ours.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jari import metrics
from jari.domain.errors import Forbidden, Invalid, JariError
from jari.domain.permissions import Grant, grant, require
from jari.domain.users import Role, User
from jari.web.api.calls import Call, known_id
from jari.web.api.endpoints import Answered, Endpoint, Kind
from jari.web.api.queries import QueryReader
from jari.web.api.responses import cached, success
from jari.web.deadlines import SAFE_METHODS, GivenUp
from jari.web.errors import BadRequest, problem, unexpected
from jari.web.replies import Reply
from jari.web.services import Services
from jari.web.shortcuts import READ_WHOLE

AnyEndpoint = Endpoint[Any, Any, Any]
AnyCall = Call[Any, Any]
JSON_TYPE = b"application/json"
Writer = Callable[[AnyEndpoint, AnyCall, Any], Reply | Response]


class Shell:
    """One endpoint at work."""

    def __init__(self, endpoint: AnyEndpoint, services: Services) -> None:
        self.endpoint = endpoint
        self._services = services
        self._accounts = services.accounts
        self._cookies = services.cookies
        self._handle: Callable[..., Awaitable[Any]] = endpoint.handle
        self._write = WRITERS[endpoint.kind]
        self._query = None if endpoint.query is None else QueryReader(endpoint.query)
        self._body = None if endpoint.body is None else msgspec.json.Decoder(endpoint.body)
        self._is_safe = endpoint.method in SAFE_METHODS
        self._is_public = endpoint.is_public
        # A page is shown at any number; the page itself says what does not exist.
        self._numbered = () if endpoint.kind is Kind.PAGE else endpoint.parts
        self._roles = {role for role in Role if grant(endpoint.action, role) is not Grant.NONE}
        settings = services.settings
        self._public_origin = settings.public_url.rstrip("/").encode()
        self._max_body_bytes = settings.max_body_bytes
        self._seconds = (
            settings.payment_request_seconds if endpoint.asks_the_gateway else settings.request_seconds
        )

    def __call__(
        self, ids: tuple[int | str, ...], scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        """Answer one request whose address contains these ids."""
        answer = self._stream if self.endpoint.kind is Kind.STREAM else self._bounded
        return answer(ids, scope, receive, send)

    async def _bounded(self, ids: tuple[int | str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within the time of the row."""
        try:
            with self._services.deadlines.bound(self._seconds, scope, receive, send) as waiting:
                call: AnyCall = Call(scope, waiting.receive, waiting.send)
                await self._read(call, ids)
                reply = self._write(self.endpoint, call, await self._handle(self._services, call, *ids))
        except JariError as refusal:
            reply = problem(refusal)
        except GivenUp as given_up:
            await given_up.answered
            return
        except ClientDisconnect:  # the client left in the middle of its body: no fault, and nobody to answer
            return
        except Exception as error:  # noqa: BLE001 - logged and answered here
            reply = unexpected(error, scope["path"])
        await send_reply(reply, scope, receive, send)  # it takes as long as the client reads

    async def _stream(self, ids: tuple[int | str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        """Let the handler send the answer itself. Answer a refusal that it raises before it has begun."""
        try:
            call: AnyCall = Call(scope, receive, send)
            await self._read(call, ids)
            following = self._handle(self._services, call, *ids)
            del call  # thousands of streams may be open, and none needs its call any more
            await following
        except GivenUp as given_up:
            await given_up.answered
        except JariError as refusal:
            await send_reply(problem(refusal), scope, receive, send)
        except Exception as error:  # noqa: BLE001 - logged and answered here
            await send_reply(unexpected(error, scope["path"]), scope, receive, send)

    async def _read(self, call: AnyCall, ids: tuple[int | str, ...]) -> None:
        """Read user, query and body as the row says."""
        if not self._is_safe:
            self._check_origin(call)
        if not self._is_public:
            token = self._cookies.session(call.headers.get(b"cookie"))
            call.user = self._admitted(self._accounts.known(token) or await self._accounts.user_of(token))
        if not self._is_safe:  # nothing is done before the request has come whole
            data = whole_body(call.scope, self._max_body_bytes)
            call.data = await read_body(call.receive, self._max_body_bytes) if data is None else data
        if self._body is not None:
            call.body = decode(self._body, call.data)
        if self._query is not None:
            call.query = self._query.read(call.scope["query_string"])
        for what, each in zip(self._numbered, ids, strict=False):
            if isinstance(each, int):
                known_id(each, what)

    def _admitted(self, user: User) -> User:
        """The user who asks, if the role may do this at all. The use cases check what is whose.

        Raises:
            Forbidden: the user's role may not do it.
        """
        if user.role not in self._roles:
            require(user, self.endpoint.action)
        return user

    def _check_origin(self, call: AnyCall) -> None:
        """Refuse a request that another site made a browser send.

        Browsers say so in Sec-Fetch-Site, older browsers in Origin. A request with neither header comes from no
        browser, so it can carry no other person's cookies.
        """
        headers = call.headers
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            allowed = site == b"same-origin"
        else:
            origin = headers.get(b"origin")
            allowed = origin is None or origin == self._own_origin(call)
        if not allowed:
            raise Forbidden("This request came from another site, so nothing was done: use jari's own page.")
        if self._body is not None and not _is_json(headers.get(b"content-type", b"")):
            raise BadRequest(
                "Send a JSON body with the header Content-Type: application/json.",
                status=415,
                code="UNSUPPORTED_MEDIA_TYPE",
                title="Only JSON is understood",
            )

    def _own_origin(self, call: AnyCall) -> bytes:
        scheme: str = call.scope["scheme"]
        return self._public_origin or b"%b://%b" % (scheme.encode(), call.headers.get(b"host", b""))


def _is_json(content_type: bytes) -> bool:
    return content_type == JSON_TYPE or content_type.partition(b";")[0].strip().lower() == JSON_TYPE


async def send_reply(reply: Reply | Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Count a reply and send it."""
    metrics.requests.count(reply.status_code)
    await reply(scope, receive, send)


def whole_body(scope: Scope, max_bytes: int) -> bytes | None:
    """The body, if the server has all of it already: nearly always. Else None.

    Raises:
        BadRequest: it is longer than the limit.
    """
    read_whole: Callable[[], bytes | None] | None = scope.get(READ_WHOLE)
    data = None if read_whole is None else read_whole()
    if data is not None:
        check_length(len(data), max_bytes)
    return data


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """Read the whole body.

    Raises:
        BadRequest: it is longer than the limit.
        ClientDisconnect: the client has gone before its end.
    """
    data: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        data += message.get("body", b"")
        check_length(len(data), max_bytes)
        if not message.get("more_body", False):
            return data


def check_length(length: int, max_bytes: int) -> None:
    """Refuse a body that is too long.

    Raises:
        BadRequest: it is longer than the limit.
    """
    if length > max_bytes:
        raise BadRequest(
            f"The body is larger than {max_bytes} bytes: send less.",
            status=413,
            code="BODY_TOO_LARGE",
            title="The request is too large",
        )


def decode(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    """The body as its type.

    Raises:
        Invalid: it is not JSON of that shape; says where.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body does not fit: {error}.") from None


def _write_answer(endpoint: AnyEndpoint, _: AnyCall, outcome: Any) -> Reply | Response:
    if isinstance(outcome, Answered):
        return success(outcome.data, outcome.status or endpoint.status, outcome.headers)
    return success(outcome, endpoint.status)


def _write_document(_: AnyEndpoint, call: AnyCall, outcome: Any) -> Reply | Response:
    return cached(call.header(b"if-none-match"), call.header(b"accept-encoding"), outcome)


def _write_as_it_is(_: AnyEndpoint, __: AnyCall, outcome: Any) -> Reply | Response:
    reply: Reply | Response = outcome
    return reply


WRITERS: dict[Kind, Writer] = {
    Kind.ANSWER: _write_answer,
    Kind.DOCUMENT: _write_document,
    Kind.FILE: _write_as_it_is,
    Kind.PAGE: _write_as_it_is,
    Kind.STREAM: _write_as_it_is,
}
