"""The calls of a shop's server: ``/v1/payments/…``, with authentication, idempotency and all misbehaviour."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jari.sandbox.answers import MAX_KEY_LENGTH, Answer, Answers, InFlight, RequestName
from jari.sandbox.behaviours import Behaviour, Behaviours, Call
from jari.sandbox.errors import Refusal, fault
from jari.sandbox.ledger import Card, Ledger, Payment
from jari.sandbox.options import Options
from jari.sandbox.silence import NoAnswer
from jari.sandbox.webhooks import Webhooks
from jari.sandbox.wire import (
    CancelBody,
    ConfirmBody,
    ErrorObject,
    decoded,
    language_of,
    payment_object,
    read_body,
    webhook_body,
)

OK = 200
Work = Callable[[], Payment]


class Api:
    """The shell around the ledger: it reads requests, waits, answers and sends webhooks."""

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        webhooks: Webhooks,
        options: Options,
        clock: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._answers = Answers()
        self._behaviours = behaviours
        self._webhooks = webhooks
        self._options = options
        self._clock = clock

    async def confirm(self, request: Request) -> Response:
        """``POST /v1/payments/confirm``."""
        try:
            body = await read_body(request)
            said = decoded(body, ConfirmBody)
        except Refusal as refusal:
            return await self._post(request, Call.CONFIRM, None, _refusing(refusal))

        def work() -> Payment:
            return self._ledger.confirm(said.payment_key, said.order_id, said.amount, self._clock())

        return await self._post(request, Call.CONFIRM, said.order_id, work)

    async def cancel(self, request: Request) -> Response:
        """``POST /v1/payments/{paymentKey}/cancel``."""
        payment_key = request.path_params["payment_key"]
        order_id = self._order_id(payment_key)
        try:
            body = await read_body(request)
            said = decoded(body, CancelBody)
        except Refusal as refusal:
            return await self._post(request, Call.CANCEL, order_id, _refusing(refusal))

        def work() -> Payment:
            return self._ledger.cancel(payment_key, said.cancel_amount, said.cancel_reason, self._clock())

        return await self._post(request, Call.CANCEL, order_id, work)

    async def by_key(self, request: Request) -> Response:
        """``GET /v1/payments/{paymentKey}``."""
        payment_key = request.path_params["payment_key"]
        return await self._get(
            request, self._order_id(payment_key), lambda: self._ledger.by_key(payment_key, self._clock())
        )

    async def by_order(self, request: Request) -> Response:
        """``GET /v1/payments/orders/{orderId}``."""
        order_id = request.path_params["order_id"]
        return await self._get(request, order_id, lambda: self._ledger.by_order(order_id, self._clock()))

    async def _get(self, request: Request, order_id: str | None, work: Work) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        behaviour = self._behaviours.take(Call.GET, order_id)
        await asyncio.sleep(self._options.delay_seconds + behaviour.waits_seconds("before"))
        answer = self._work(request, behaviour, work)
        await asyncio.sleep(behaviour.waits_seconds("after"))
        return NoAnswer() if behaviour.drop else _response(answer)

    async def _post(self, request: Request, call: Call, order_id: str | None, work: Work) -> Response:
        """Answer a call that changes something: the first of its name does the work, later ones get its answer."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        name = _request_name(request)
        try:
            remembered = self._answers.begin(name, self._clock()) if name else None
        except InFlight:
            return _response(self._error("IDEMPOTENT_REQUEST_PROCESSING", request))
        behaviour = self._behaviours.take(call, order_id)
        try:
            await asyncio.sleep(self._options.delay_seconds + behaviour.waits_seconds("before"))
            if behaviour.drop == "before":
                return NoAnswer()
            answer = remembered or self._work(request, behaviour, work)
            if remembered is None and call is Call.CONFIRM and answer.status == OK:
                await asyncio.sleep(self._slowness_seconds(order_id))
            await asyncio.sleep(behaviour.waits_seconds("after"))
            if name:
                self._answers.finish(name, answer)
            return NoAnswer() if behaviour.drop else _response(answer)
        finally:
            if name:
                self._answers.abandon(name)

    def _refused(self, request: Request) -> Response | None:
        """A refusal that comes before any work, and is never remembered; None if there is no reason for one."""
        headers = request.headers
        try:
            _check_secret_key(headers.get("authorization", ""), self._options.secret_key)
            if request.method == "POST" and len(headers.get("idempotency-key", "")) > MAX_KEY_LENGTH:
                raise Refusal("INVALID_IDEMPOTENCY_KEY")
            if "tosspayments-test-code" in headers:
                raise Refusal(headers["tosspayments-test-code"])
        except Refusal as refusal:
            return _response(self._error(refusal.code, request))
        return None

    def _work(self, request: Request, behaviour: Behaviour, work: Work) -> Answer:
        try:
            if behaviour.code is not None:
                raise Refusal(behaviour.code)
            payment = work()
        except Refusal as refusal:
            return self._error(refusal.code, request)
        finally:
            # A refused call may have changed something, too: it may end a session, or find the card rejected.
            self._announce()
        return Answer(OK, msgspec.json.encode(payment_object(payment, language_of(request, "ko"))))

    def _announce(self) -> None:
        for payment in self._ledger.take_changes():
            behaviour = self._behaviours.take(Call.WEBHOOK, payment.order.id)
            if behaviour.drop is None:
                self._webhooks.send(
                    webhook_body(payment, self._clock()),
                    copies=behaviour.copies,
                    delay_seconds=behaviour.delay_seconds,
                )

    def _error(self, code: str, request: Request) -> Answer:
        error = fault(code, language_of(request, "ko"))
        return Answer(error.status, msgspec.json.encode(ErrorObject(error.code, error.message)))

    def _order_id(self, payment_key: str) -> str | None:
        try:
            return self._ledger.by_key(payment_key, self._clock()).order.id
        except Refusal:
            return None

    def _slowness_seconds(self, order_id: str | None) -> float:
        """How long the card's company keeps its answer to the charge of this order."""
        if order_id is None:
            return 0.0
        payment = self._ledger.by_order(order_id, self._clock())
        return self._options.slow_card_seconds if payment.card is Card.SLOW else 0.0


def _check_secret_key(authorization: str, secret_key: str) -> None:
    scheme, _, credentials = authorization.partition(" ")
    try:
        given = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("UNAUTHORIZED_KEY") from None
    if scheme.lower() != "basic" or not given:
        raise Refusal("UNAUTHORIZED_KEY")
    if b":" not in given:
        raise Refusal("INCORRECT_BASIC_AUTH_FORMAT")
    if not hmac.compare_digest(given, f"{secret_key}:".encode()):
        raise Refusal("UNAUTHORIZED_KEY")


def _request_name(request: Request) -> RequestName | None:
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    return RequestName(key, request.headers["authorization"], request.method, request.url.path)


def _refusing(refusal: Refusal) -> Work:
    def refuse() -> Payment:
        raise refusal

    return refuse


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")
