"""Payments over HTTP: the buyer confirms, the gateway hints, money is given back."""

from typing import Annotated

from jari.domain.errors import (
    AmountMismatch,
    Invalid,
    NotFound,
    NotRefundable,
    PaymentRefused,
    PaymentReturned,
    PaymentUnderWay,
    ReservationClosed,
    ReservationExpired,
)
from jari.domain.ids import MAX_ID
from jari.domain.payments import MAX_REASON_LENGTH, PaymentStatus
from jari.domain.permissions import Action
from jari.web.api.calls import Call
from jari.web.api.endpoints import Answered, Endpoint
from jari.web.api.reservations import ReservationAnswer, shown
from jari.web.api.shapes import Answer, Body, Done, Id, described
from jari.web.services import Services

NOT_KNOWN_YET = 202


class ConfirmPayment(Body, frozen=True):
    """What the gateway sent the buyer back with."""

    payment_key: str
    order_id: str
    amount: Annotated[int, described(minimum=0, maximum=MAX_ID)]


class RefundPayment(Body, frozen=True):
    """The seats to give back, by id; none named means all."""

    seat_ids: Annotated[tuple[Id, ...], described(uniqueItems=True)] = ()
    reason: Annotated[str, described(maxLength=MAX_REASON_LENGTH, description="printable characters")] = ""


class Checkout(Answer, frozen=True):
    """What the checkout page needs to know of the gateway."""

    gateway: str
    client_key: str
    script_url: str


async def config(services: Services, _: Call[None, None]) -> Checkout:
    """What the checkout needs to know of the gateway."""
    checkout = services.payments.checkout
    if checkout is None:
        raise NotFound("No payment gateway is set up here: the operator must name one (JARI_GATEWAY_URL).")
    return Checkout(gateway=checkout.gateway, client_key=checkout.client_key, script_url=checkout.script_url)


async def confirm(services: Services, call: Call[None, ConfirmPayment]) -> Answered[ReservationAnswer]:
    """Charge a payment that the gateway has authenticated, and get the seats."""
    body = call.body
    reservation = await services.payments.confirm(
        call.user,
        payment_key=body.payment_key,
        order_id=body.order_id,
        amount=body.amount,
        request=call.request_key(),
    )
    payment = next(each for each in reservation.payments if each.payment_key == body.payment_key)
    is_known = payment.status is not PaymentStatus.CONFIRMING
    return Answered(await shown(services, reservation), 200 if is_known else NOT_KNOWN_YET)


async def refund(services: Services, call: Call[None, RefundPayment], payment_id: int) -> ReservationAnswer:
    """Give seats back for money: those named, or all."""
    body = call.body
    reservation = await services.refunds.refund(
        call.user, payment_id, body.seat_ids, body.reason, call.request_key()
    )
    return await shown(services, reservation)


async def hint(services: Services, call: Call[None, None], gateway: str) -> Done:
    """For the gateway: something happened, look.

    A message is taken for what it is, a reason to look, and read by the gateway's own adapter. Whether it changed
    anything is not told.
    """
    headers = {name.decode("latin1"): value.decode("latin1") for name, value in call.scope["headers"]}
    await services.payments.take_hint(gateway, call.data, headers)
    return Done()


ENDPOINTS = (
    Endpoint("GET", "/api/payments/config", config, Action.LOOK, answer=Checkout, refusals=(NotFound,)),
    Endpoint(
        "POST",
        "/api/payments/confirm",
        confirm,
        Action.PAY,
        body=ConfirmPayment,
        answer=ReservationAnswer,
        other_statuses={
            NOT_KNOWN_YET: "It is not known yet whether money moved: look at the reservation in a moment"
        },
        refusals=(
            NotFound,
            AmountMismatch,
            PaymentRefused,
            PaymentReturned,
            PaymentUnderWay,
            ReservationClosed,
            ReservationExpired,
        ),
        takes_key=True,
        asks_the_gateway=True,
    ),
    Endpoint(
        "POST",
        "/api/payments/{payment}/cancel",
        refund,
        Action.REFUND,
        body=RefundPayment,
        answer=ReservationAnswer,
        refusals=(NotRefundable,),
        takes_key=True,
        asks_the_gateway=True,
    ),
    Endpoint(
        "POST",
        "/api/payments/webhook/{gateway:name}",
        hint,
        Action.HINT,
        answer=Done,
        refusals=(NotFound, Invalid),
    ),
)
