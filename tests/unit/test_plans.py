"""Any file in, a venue or one kind of error out."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jari.domain.errors import BadPlan, NotFound
from jari.domain.venues import Venue
from jari.plans import READERS, WRITERS, read_plan, read_plan_file, sample, write_plan

NATIVE = {
    "format": "jari-plan",
    "version": 1,
    "name": "극장",
    "currency": "KRW",
    "size": {"width": 100, "height": 50},
    "grades": [{"code": "R", "name": "R석", "color": "#d64545", "price": 1000}],
    "sections": [
        {
            "name": "1루",
            "grade": "R",
            "blocks": [
                {
                    "name": "101",
                    "rows": [
                        {"label": "A", "seats": [{"label": "1", "x": 1, "y": 2, "aisle": True}]},
                        {"label": "B", "count": 3, "line": {"from": [0, 1], "to": [5, 1]}, "aisle": [1]},
                        {
                            "label": "C",
                            "count": 3,
                            "arc": {"center": [0, 0], "radius": 9, "from": 0, "to": 90},
                        },
                    ],
                }
            ],
        }
    ],
    "shapes": [{"kind": "text", "points": [[1, 1]], "text": "무대"}],
}
PLAN = json.dumps(NATIVE, ensure_ascii=False).encode()
VENUE = read_plan(PLAN, file="hall.json")
BYTES = {kind: write_plan(VENUE, kind) for kind in WRITERS}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_format_is_seen_from_the_content_whatever_the_file_is_called(kind):
    names = ["hall", "hall.txt", "hall.csv"] if kind == "csv" else ["hall", "hall.txt", "hall.JSON"]
    assert {len(list(read_plan(BYTES[kind], file=name).seats())) for name in names} == {7}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_format_can_be_demanded(kind):
    assert len(list(read_plan(BYTES[kind], file="hall", format=kind).seats())) == 7


@pytest.mark.parametrize("kind", WRITERS)
def test_a_given_name_overrides_that_of_the_file(kind):
    assert read_plan(BYTES[kind], file="hall", name="새 극장").name == "새 극장"


def test_a_byte_order_mark_before_json_does_no_harm():
    assert read_plan(b"\xef\xbb\xbf" + PLAN, file="hall.json") == VENUE


def test_every_format_can_be_read_and_written():
    assert set(READERS) == set(WRITERS)


REFUSED = {
    "empty": (b"", "hall.json", "the whole file: it is empty"),
    "blank": (b" \n\t", "hall.csv", "the whole file: it is empty"),
    "not JSON": (b"hello", "hall.json", "line 1, column 1: not JSON"),
    "cut off": (PLAN[:-1], "hall.json", "not JSON: Input data was truncated"),
    "a comma too many": (b'{"format": 1,\n "version": ,}', "hall.json", "line 2, column 13: not JSON"),
    "no object": (b"[]", "hall.json", "the whole file: Expected `object`, got `array`"),
    "other JSON": (b'{"a": 1}', "hall.json", 'neither "format": "jari-plan" (native) nor "zones" (pretix)'),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "hall.json", "line 1, byte 0: not UTF-8 text"),
    "a picture by another name": (b"\x89PNG\r\n\x1a\n\0\0", "hall", "line 1, byte 0: not UTF-8 text"),
    "UTF-16": (PLAN.decode().encode("utf-16"), "hall.json", "the whole file: it is UTF-16; save it as UTF-8"),
    "EUC-KR": ("section\n1루".encode("euc-kr"), "hall.csv", "line 2, byte 9: not UTF-8 text"),
    "broken inside a text": (PLAN.replace("극".encode(), b"\xff"), "hall.json", "not UTF-8 text"),
    "a letter": (b"Dear organiser,\n", "hall.txt", "the whole file: it is neither JSON nor CSV"),
    "nested deeply": (b'{"a":' + b"[" * 100_000, "hall.json", "the whole file: it is nested too deeply"),
    "nested in a known field": (b'{"zones":[],"a":' + b'{"a":' * 100_000, "hall.json", "nested too deeply"),
    "a number of many digits": (
        PLAN.replace(b'"price": 1000', b'"price": ' + b"9" * 5000),
        "hall.json",
        "grades[0].price: ",
    ),
}


@pytest.mark.parametrize(("data", "file", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_no_plan_is_refused_with_its_name_place_and_reason(data, file, reason):
    with pytest.raises(BadPlan) as refusal:
        read_plan(data, file=file)
    assert refusal.value.detail.startswith(f"{file}: ")
    assert reason in refusal.value.detail


def test_an_unknown_format_is_refused_naming_the_known_ones():
    with pytest.raises(
        BadPlan, match=r"hall.xml: the whole file: the format 'xml' is not known; there are native"
    ):
        read_plan(PLAN, file="hall.xml", format="xml")
    with pytest.raises(BadPlan, match=r"the format 'xml' is not known"):
        write_plan(VENUE, "xml")


def test_a_plan_in_another_format_than_demanded_is_refused():
    with pytest.raises(
        BadPlan, match=r"hall.json: the whole file: Object missing required field `categories`"
    ):
        read_plan(PLAN, file="hall.json", format="pretix")


def test_too_large_a_plan_is_refused():
    with pytest.raises(BadPlan, match=rf"hall.json: the whole file: it has {len(PLAN)} bytes; at most 10"):
        read_plan(PLAN, file="hall.json", max_bytes=10)


def test_a_file_is_read_by_its_path(tmp_path):
    (tmp_path / "hall.json").write_bytes(PLAN)
    assert read_plan_file(tmp_path / "hall.json") == VENUE
    assert read_plan_file(str(tmp_path / "hall.json"), name="새", format="native").name == "새"


def test_a_huge_file_is_refused_without_being_read(tmp_path, monkeypatch):
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    monkeypatch.setattr("pathlib.Path.open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(BadPlan, match=r"huge.json: the whole file: it has 104857600 bytes; at most 33554432"):
        read_plan_file(huge)


def test_a_file_is_not_read_further_than_allowed(tmp_path, monkeypatch):
    """As when it grows between being measured and being read."""
    (tmp_path / "hall.json").write_bytes(PLAN)
    monkeypatch.setattr("pathlib.Path.stat", lambda *_args, **_options: os.stat_result((0o100644, *[0] * 9)))
    with pytest.raises(BadPlan, match=r"hall.json: the whole file: it has 11 bytes; at most 10 are allowed"):
        read_plan_file(tmp_path / "hall.json", max_bytes=10)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(BadPlan, match=f"{tmp_path.name}: the whole file: it is a directory"):
        read_plan_file(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(
        BadPlan, match=r"gone.json: the whole file: it cannot be read: No such file or directory"
    ):
        read_plan_file(tmp_path / "gone.json")


def test_a_path_that_cannot_be_is_refused():
    with pytest.raises(BadPlan, match=r"the whole file: it cannot be read: .*null"):
        read_plan_file("hall\0.json")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(BadPlan, match=r"pipe.json: the whole file: it is not a regular file"):
        read_plan_file(tmp_path / "pipe.json")


def test_an_unknown_sample_is_not_found():
    with pytest.raises(NotFound, match=r"no sample plan 'moon'; there are ballpark, theatre, stadium"):
        sample("moon")


# What follows throws wrong bytes at the readers: a venue or a BadPlan may come out, and nothing else.

files = st.sampled_from(["hall.json", "hall.csv", "hall", ""])
formats = st.sampled_from([None, *READERS])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
many = settings(max_examples=150, deadline=None)


def survives(data, file, kind):
    try:
        outcome = read_plan(data, file=file, format=kind)
    except BadPlan as refusal:
        outcome = refusal.detail
    assert isinstance(outcome, Venue) or outcome.startswith(f"{file}: ")


@many
@given(st.binary(max_size=200), files, formats)
def test_random_bytes_do_no_harm(data, file, kind):
    survives(data, file, kind)


@many
@given(st.sampled_from(list(WRITERS)), st.data(), files)
def test_damaged_plans_do_no_harm(kind, data, file):
    whole = BYTES[kind]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 20)))
    patch = data.draw(
        st.binary(max_size=8)
        | st.sampled_from([b"NaN", b"-Infinity", b"null", b"1e999", b'"', b"[[[[", b"\\ud800"])
    )
    survives(whole[:start] + patch + whole[end:], file, None)


@many
@given(st.sampled_from(["native", "pretix"]), st.data())
def test_plans_with_a_value_replaced_do_no_harm(kind, data):
    whole = json.loads(BYTES[kind])
    inside, key = whole, data.draw(st.sampled_from(sorted(whole)))
    while isinstance(inside[key], dict | list) and inside[key] and data.draw(st.integers(0, 5)):
        inside = inside[key]
        key = data.draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
    inside[key] = data.draw(json_values)
    survives(json.dumps(whole).encode(), "hall.json", kind)
