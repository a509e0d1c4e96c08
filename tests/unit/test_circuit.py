"""The circuit: nobody waits for a Redis that is away."""

import pytest

from jari.adapters.redis.circuit import Circuit


@pytest.fixture
def circuit():
    return Circuit(failures=3, pause_seconds=2)


def open_at(circuit, now):
    for _ in range(3):
        circuit.failed(now)


def test_while_redis_answers_everybody_may_ask(circuit):
    assert not circuit.is_open
    assert all(circuit.admits(now) for now in (0, 0, 1))


def test_a_failure_now_and_then_is_forgiven(circuit):
    for now in range(10):
        circuit.failed(now)
        circuit.failed(now)
        circuit.succeeded()
        assert not circuit.is_open


def test_after_so_many_failures_in_a_row_nobody_asks(circuit):
    circuit.failed(0)
    circuit.failed(0)
    assert circuit.admits(0)
    circuit.failed(1)
    assert circuit.is_open
    assert not circuit.admits(1)
    assert not circuit.admits(2.9)


def test_one_in_each_pause_tries_whether_it_is_back(circuit):
    open_at(circuit, 10)
    assert [circuit.admits(now) for now in (11.9, 12, 12, 13.9, 14, 14)] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_try_that_succeeds_lets_everybody_ask_again(circuit):
    open_at(circuit, 10)
    assert circuit.admits(12)
    circuit.succeeded()
    assert not circuit.is_open
    assert circuit.admits(12)
    circuit.failed(12)
    assert not circuit.is_open


def test_failures_that_come_late_neither_shorten_nor_prolong_the_pause(circuit):
    open_at(circuit, 10)
    circuit.failed(11)
    circuit.failed(11.9)
    assert circuit.admits(12)
    assert not circuit.admits(12)
    circuit.failed(13)
    assert circuit.admits(14)


def test_a_try_that_never_tells_its_outcome_costs_one_pause(circuit):
    open_at(circuit, 10)
    assert circuit.admits(12)
    assert circuit.admits(14)
