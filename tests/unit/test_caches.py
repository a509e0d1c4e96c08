"""What caches keep, how much of it, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jari.caches import Cache, let_go


class Hands:
    """A clock whose hands are moved by hand."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Hands()


def test_what_was_asked_for_last_is_kept():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert list(cache) == ["a", "c"]
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_as_much_is_kept_as_fits():
    cache = Cache(100, size_of=len)
    cache.put("a", b"a" * 40)
    cache.put("b", b"b" * 40)
    cache.put("c", b"c" * 60)
    assert (list(cache), cache.size) == (["b", "c"], 100)


def test_what_does_not_fit_at_all_is_not_kept():
    cache = Cache(100, size_of=len)
    cache.put("large", b"x" * 101)
    assert (cache.get("large"), cache.size) == (None, 0)
    cache.put("small", b"x")
    assert cache.get("small") == b"x"


def test_what_is_put_twice_counts_once():
    cache = Cache(100, size_of=len)
    for _ in range(5):
        cache.put("a", b"a" * 60)
    assert cache.size == 60
    cache.pop("a")
    cache.pop("a")
    assert (cache.size, "a" in cache) == (0, False)


def test_a_value_is_given_out_while_it_is_fresh_however_often_it_is_asked_for(clock):
    cache = Cache(2, fresh_seconds=10, clock=clock)
    cache.put("a", 1)
    for _ in range(10):
        clock.now += 1
        assert cache.get("a") == 1
    clock.now += 0.1
    assert cache.get("a") is None
    assert "a" in cache
    cache.put("a", 2)
    assert cache.get("a") == 2


def test_what_nobody_asks_for_is_let_go_and_the_rest_stays(clock):
    cache = Cache(30, idle_seconds=10, size_of=len, clock=clock)
    cache.put("asked for", "x" * 7)
    cache.put("idle", "x" * 5)
    clock.now += 6
    assert cache.get("asked for")
    clock.now += 5
    cache.let_go()
    assert (list(cache), cache.size) == (["asked for"], 7)


def test_what_is_stale_and_not_asked_for_is_let_go_too(clock):
    cache = Cache(2, fresh_seconds=10, clock=clock)
    cache.put("a", 1)
    clock.now += 11
    cache.let_go()
    assert list(cache) == []


def test_what_is_stale_may_be_known_for_longer(clock):
    cache = Cache(2, fresh_seconds=10, idle_seconds=20, clock=clock)
    cache.put("a", 1)
    clock.now += 11
    cache.let_go()
    assert (cache.get("a"), "a" in cache) == (None, True)
    clock.now += 10
    cache.let_go()
    assert "a" not in cache


def test_what_is_idle_goes_wherever_it_lies(clock):
    caches = [Cache(2, idle_seconds=10, clock=clock) for _ in range(3)]
    for cache in caches:
        cache.put("a", 1)
    clock.now += 11
    let_go()
    assert [len(cache) for cache in caches] == [0, 0, 0]


STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "pop", "wait", "go"]), st.integers(0, 7)))


@given(STEPS)
def test_no_history_breaks_the_limits(steps):
    clock = Hands()
    cache = Cache(12, idle_seconds=5, fresh_seconds=9, size_of=lambda value: value, clock=clock)
    for step, number in steps:
        match step:
            case "get":
                assert cache.get(number) in {None, number + 1}
            case "put":
                cache.put(number, number + 1)
                assert cache.get(number) == number + 1
            case "pop":
                cache.pop(number)
                assert number not in cache
            case "wait":
                clock.now += number
            case "go":
                cache.let_go()
        assert cache.size == sum(number + 1 for number in cache) <= 12
    clock.now += 10
    cache.let_go()
    assert (len(cache), cache.size) == (0, 0)
