"""What can be an id, and how one is written."""

import pytest

from jari.domain.ids import MAX_ID, is_id, is_number, read_id


@pytest.mark.parametrize("number", [1, 7, MAX_ID])
def test_an_id_is_read_as_it_is_written(number):
    assert is_id(number)
    assert read_id(str(number)) == number
    assert is_number(str(number))


@pytest.mark.parametrize("number", [0, -1, MAX_ID + 1])
def test_what_no_store_can_count_is_no_id(number):
    assert not is_id(number)
    assert read_id(str(number)) is None


@pytest.mark.parametrize(
    "text", ["", " 7", "7 ", "+7", "7.0", "0x7", "1_000", "٣", "²", "9" * 20, "0" * 19 + "7"]
)
def test_what_is_not_written_in_a_few_plain_digits_is_no_number(text):
    assert not is_number(text)
    assert read_id(text) is None
