"""Drafts: what changed is known, and can be taken back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jari.domain.drafts import Draft

READ = {"a": 1, "b": 2}


@pytest.fixture
def draft():
    return Draft(READ)


def test_nothing_has_changed_at_first(draft):
    assert (draft.now, list(draft.changed())) == (READ, [])


def test_what_changed_is_told_once_for_each_key_in_order_of_the_first_change(draft):
    draft.put("c", 3)
    draft.put("a", 5)
    draft.remove("b")
    draft.put("a", 6)
    draft.put("c", 4)
    assert draft.now == {"a": 6, "c": 4}
    assert list(draft.changed()) == [(None, 4), (1, 6), (2, None)]
    assert draft.before == READ


def test_what_is_again_as_it_was_has_not_changed(draft):
    draft.put("a", 5)
    draft.put("a", 1)
    draft.put("c", 3)
    draft.remove("c")
    draft.remove("nothing")
    draft.remove("b")
    draft.put("b", 2)
    assert list(draft.changed()) == []


steps = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 2)), max_size=8)


def take(draft, steps):
    for key, value in steps:
        if value is None:
            draft.remove(key)
        else:
            draft.put(key, value)


@given(before=steps, after=steps)
def test_going_back_leaves_all_as_it_was_at_the_mark(before, after):
    draft, other = Draft(READ), Draft(READ)
    take(draft, before)
    take(other, before)
    mark = draft.mark()
    take(draft, after)
    draft.back_to(mark)
    assert draft.now == other.now
    assert list(draft.changed()) == list(other.changed())
