"""Giving seats back: over HTTP, with a payment gateway in a process of its own."""

import time
from dataclasses import replace

from pytest_bdd import given, scenarios, then, when
from sales import Sales
from scenes import Scene, data_of, moment, step, wait_until, won

from jari.domain.schedules import Kind
from jari.usecases.organising import Organising

HOUR_SECONDS = 3_600

scenarios("refund.feature")


@given(step("a match that starts in COUNT hours"))
def a_match_that_starts_soon(scene: Scene, count: str) -> None:
    world = scene.house.world
    organising, other = Organising(world.stores.catalogue, world.stores.news), world.match()
    schedule_id = world.run(
        organising.create_schedule(
            venue_id=other.venue_id,
            kind=Kind.MATCH,
            title="KT : SSG",
            starts_ms=int((time.time() + int(count) * HOUR_SECONDS) * 1000),
            opens_ms=None,
        )
    )
    world.run(organising.open_sale(schedule_id))
    scene.stage = replace(other, id=schedule_id)


@given(step("the gateway's next answer to NAME's refund gets lost"))
def an_answer_gets_lost(sales: Sales, name: str) -> None:
    sales.sandbox.behave("cancel", orderId=sales.order_id(name), drop="after")


@given(step("the gateway refuses NAME's next refund"))
def a_refund_fails(sales: Sales, name: str) -> None:
    sales.sandbox.behave("cancel", orderId=sales.order_id(name), code="FAILED_REFUND_PROCESS")


@when(step("NAME tries to have OTHER's payment refunded"))
def somebody_tries_to_refund(sales: Sales, name: str, other: str) -> None:
    sales.refund(name, other)


@then(step("NAME is told that the refund of MONEY is (?P<stage>DONE|DUE)"))
def somebody_is_told_of_a_refund(scene: Scene, name: str, money: str, stage: str) -> None:
    refund = data_of(scene.last(name))["refunds"][-1]
    assert (refund["amount"], refund["status"]) == (won(money), stage)


@then(step("NAME's refund becomes (?P<stage>DONE) by itself"))
def a_refund_becomes(sales: Sales, name: str, stage: str) -> None:
    wait_until(lambda: sales.shown(name)["refunds"][-1]["status"] == stage, f"the refund is {stage}")


@then(step("NAME's payment is (?P<stage>DONE|CANCELED)"))
def a_payment_is(sales: Sales, name: str, stage: str) -> None:
    assert sales.shown(name)["payment"]["status"] == stage


@then(step("NAME has been given back MONEY each time, COUNT times"))
def somebody_has_been_given_back_often(sales: Sales, name: str, money: str, count: str) -> None:
    assert sales.given_back(name) == [won(money)] * int(count)


@then(step("NAME's reservation shows SEATS as refunded, and no other seat"))
def a_reservation_shows_refunds(scene: Scene, sales: Sales, name: str, seats: str) -> None:
    refunded = [each["id"] for each in sales.shown(name)["seats"] if each["refunded"]]
    assert refunded == scene.seat_ids(seats)


@then(step("NAME may ask for a refund until COUNT hours before the start"))
def somebody_may_ask_until(sales: Sales, name: str, count: str) -> None:
    shown = sales.shown(name)
    assert moment(shown["startsAt"]) - moment(shown["refundableUntil"]) == int(count) * HOUR_SECONDS
