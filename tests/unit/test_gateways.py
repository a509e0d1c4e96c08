"""What a gateway's words mean for the money, whichever gateway it is."""

import pytest

from jari.domain.gateways import (
    Failed,
    Record,
    Refused,
    Returned,
    Standing,
    believe,
    believe_refund,
    judge,
    judge_refund,
    mark,
)
from jari.domain.payments import (
    Charged,
    GivenBack,
    NoAnswer,
    NotCharged,
    NothingYet,
    Refund,
    RefundStatus,
)

ORDER = "7-101-token"
REFUND = Refund(701, 901, 10_000, (1,), "a cold", RefundStatus.DUE, requested_ms=0, next_try_ms=0)

CHARGED = Charged("key", ORDER, 30_000, "card")
NOT_CHARGED = NotCharged("ENDED", "the record says so")
NOTHING_YET = NothingYet("OPEN", "not yet")
UNSEEN = NoAnswer("AWAY", "the record cannot be read")

REFUSED, FAILED, SILENT = Refused("NO", "no"), Failed("FAULT", "try again"), NoAnswer("SILENCE", "none")


def recorded(standing, *, amount=30_000, balance=30_000, returns=()):
    return Record("key", ORDER, standing, f"its word for {standing}", amount, balance, "card", returns)


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        (Standing.OPEN, NothingYet),
        (Standing.PROMISED, NothingYet),
        (Standing.TAKEN, Charged),
        (Standing.ENDED, NotCharged),
    ],
)
def test_the_gateways_record_says_charged_not_charged_or_nothing_yet(standing, verdict):
    assert type(judge(recorded(standing), ORDER)) is verdict


def test_a_buyer_is_told_the_gateways_own_word():
    assert judge(recorded(Standing.ENDED), ORDER).code == "its word for ENDED"


def test_of_a_payment_that_was_given_back_in_part_elsewhere_only_the_rest_counts():
    assert judge(recorded(Standing.TAKEN, balance=10_000), ORDER) == Charged("key", ORDER, 10_000, "card")


@pytest.mark.parametrize("standing", list(Standing))
def test_money_of_another_order_is_not_ours_to_take_or_to_give_back(standing):
    assert isinstance(judge(recorded(standing), "7-102-token"), NotCharged)


@pytest.mark.parametrize(
    ("said", "known", "believed"),
    [
        (REFUSED, CHARGED, CHARGED),
        (FAILED, CHARGED, CHARGED),
        (SILENT, CHARGED, CHARGED),
        (REFUSED, NOT_CHARGED, NOT_CHARGED),
        (FAILED, NOT_CHARGED, NOT_CHARGED),
        (SILENT, NOT_CHARGED, NOT_CHARGED),
        (REFUSED, NOTHING_YET, NotCharged("NO", "no")),
        (FAILED, NOTHING_YET, NothingYet("FAULT", "try again")),
        (SILENT, NOTHING_YET, SILENT),
        (REFUSED, UNSEEN, NoAnswer("NO", "no")),
        (FAILED, UNSEEN, NoAnswer("FAULT", "try again")),
        (SILENT, UNSEEN, SILENT),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_record_goes_before_what_was_said_and_nothing_is_believed_without_it(said, known, believed):
    assert believe(said, known) == believed


@pytest.mark.parametrize(
    ("said", "known", "believed"),
    [
        (REFUSED, GivenBack(), GivenBack()),
        (FAILED, GivenBack(), GivenBack()),
        (SILENT, GivenBack(), GivenBack()),
        (REFUSED, NOTHING_YET, NothingYet("NO", "no")),
        (FAILED, NOTHING_YET, NothingYet("FAULT", "try again")),
        (SILENT, NOTHING_YET, SILENT),
        (REFUSED, UNSEEN, NoAnswer("NO", "no")),
        (FAILED, UNSEEN, NoAnswer("FAULT", "try again")),
        (SILENT, UNSEEN, SILENT),
    ],
    ids=lambda each: type(each).__name__,
)
def test_no_refusal_of_a_refund_is_final_and_none_is_given_twice(said, known, believed):
    assert believe_refund(said, known) == believed


@pytest.mark.parametrize(
    ("returns", "balance", "verdict"),
    [
        ((), 30_000, NothingYet),
        ((Returned(10_000, f"a cold {mark(REFUND)}"),), 20_000, GivenBack),
        ((Returned(9_000, f"a cold {mark(REFUND)}"),), 21_000, NothingYet),
        ((Returned(10_000, "by hand"),), 20_000, NothingYet),
        ((Returned(30_000, "by hand"),), 0, GivenBack),
    ],
    ids=["nothing", "its mark", "its mark, another amount", "without its mark", "nothing is left to give"],
)
def test_a_refund_is_found_by_its_mark(returns, balance, verdict):
    assert type(judge_refund(recorded(Standing.TAKEN, balance=balance, returns=returns), REFUND)) is verdict
