"""Payments over HTTP: confirmed, hinted at by the gateway, given back."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.domain.errors import NotFound
from jari.domain.payments import MAX_REASON_LENGTH, PaymentStatus
from jari.settings import Settings
from jari.usecases.payments import Payments
from jari.usecases.refunds import Refunds
from jari.web.api.requests import MAX_ID, Body, Id, Reader, described, path_id, request_key, route
from jari.web.api.reservations import ReservationJson
from jari.web.api.responses import success

ACCEPTED = 202


class ConfirmPayment(Body):
    """What the gateway sent the buyer back with."""

    payment_key: str
    order_id: str
    amount: Annotated[int, described(minimum=0, maximum=MAX_ID)]


class RefundPayment(Body):
    """The seats to give back, by id; none named means all."""

    seat_ids: Annotated[tuple[Id, ...], described(uniqueItems=True)] = ()
    reason: Annotated[str, described(maxLength=MAX_REASON_LENGTH, description="printable characters")] = ""


class Hint(msgspec.Struct):
    """A gateway's message, in its own words; its adapter reads where to look, and nothing else."""


class Handlers:
    """What answers the requests about payments."""

    def __init__(
        self,
        payments: Payments,
        refunds: Refunds,
        writer: ReservationJson,
        reader: Reader,
    ) -> None:
        self._payments = payments
        self._refunds = refunds
        self._writer = writer
        self._reader = reader
        self._confirm_decoder = msgspec.json.Decoder(ConfirmPayment)
        self._refund_decoder = msgspec.json.Decoder(RefundPayment)

    async def config(self, _: Request) -> Response:
        """What the checkout page needs to know of the gateway."""
        if self._payments.checkout is None:
            raise NotFound(
                "No payment gateway is set up here: the operator must name one (JARI_GATEWAY_URL)."
            )
        name, checkout = self._payments.checkout
        return success({"gateway": name, "clientKey": checkout.client_key, "scriptUrl": checkout.script_url})

    async def confirm(self, request: Request) -> Response:
        """Charge; 202 where it is not known yet whether money moved."""
        buyer = await self._reader.user(request)
        body, data = await self._reader.body(request, self._confirm_decoder)
        reservation = await self._payments.confirm(
            buyer,
            payment_key=body.payment_key,
            order_id=body.order_id,
            amount=body.amount,
            request=request_key(request, buyer, data),
        )
        payment = next(each for each in reservation.payments if each.payment_key == body.payment_key)
        unknown = payment.status is PaymentStatus.CONFIRMING
        return success(await self._writer.one(reservation), ACCEPTED if unknown else 200)

    async def refund(self, request: Request) -> Response:
        """Give seats back for money."""
        user = await self._reader.user(request)
        body, data = await self._reader.body(request, self._refund_decoder)
        reservation = await self._refunds.refund(
            user,
            path_id(request, "payment_id", "payment"),
            body.seat_ids,
            body.reason,
            request_key(request, user, data),
        )
        return success(await self._writer.one(reservation))

    async def hint(self, request: Request) -> Response:
        """Take a gateway's message for what it is: a reason to look. Whether it changed anything is not told."""
        body = await self._reader.body_bytes(request)
        await self._payments.take_hint(request.path_params["gateway"], body, request.headers)
        return success({})


def routes(
    payments: Payments, refunds: Refunds, writer: ReservationJson, reader: Reader, settings: Settings
) -> list[BaseRoute]:
    """The routes of payments."""
    handlers = Handlers(payments, refunds, writer, reader)
    return [
        route("/api/payments/config", settings, GET=handlers.config),
        route("/api/payments/confirm", settings, POST=handlers.confirm),
        route("/api/payments/webhook/{gateway}", settings, POST=handlers.hint),
        route("/api/payments/{payment_id:id}/cancel", settings, POST=handlers.refund),
    ]
