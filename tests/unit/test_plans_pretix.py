"""The pretix seating plan."""

import json
from dataclasses import replace

import pytest

from jari.domain.errors import BadPlan
from jari.domain.venues import Seat, Shape
from jari.plans import pretix, read_plan, write_plan


def at(x, y):
    return {"x": x, "y": y}


def seat(guid, number="1", category="VIP", **more):
    return {"seat_guid": guid, "seat_number": number, "position": at(1, 2), "category": category} | more


def row(*seats, **changes):
    return {
        "row_number": "A",
        "row_number_position": "both",
        "position": at(10, 20),
        "seats": list(seats),
    } | changes


def zone(*rows, **changes):
    return {
        "name": "홀",
        "zone_id": "z",
        "uuid": "u",
        "position": at(100, 200),
        "rows": list(rows),
        "areas": [],
    } | changes


def plan(*zones, **changes):
    whole = {
        "name": "Hall",
        "categories": [{"name": "VIP", "color": "#AABBCC"}, {"name": "Std"}],
        "zones": list(zones),
        "size": {"width": 500, "height": 400},
    }
    return json.dumps(whole | changes).encode()


def read(*zones, **changes):
    return read_plan(plan(*zones, **changes), file="hall.json")


def shapes(**area):
    return read(zone(row(seat("g")), areas=[area])).shapes


def test_positions_add_up_from_zone_to_row_to_seat():
    venue = read(zone(row(seat("g"))))
    assert list(venue.seats()) == [Seat("g", 1, 1, "A", "1", 111.0, 222.0, "VIP")]


def test_a_zone_becomes_a_section_with_one_block():
    venue = read(zone(row(seat("a"), seat("b", "2", category="Std"), seat("c", "3", category="Std"))))
    assert [(section.name, block.name, section.grade) for section, block in venue.blocks()] == [
        ("홀", "홀", "Std")
    ]


def test_a_category_becomes_a_grade_without_a_price():
    grades = read(zone(row(seat("g")))).grades
    assert [(grade.code, grade.color, grade.price) for grade in grades] == [
        ("VIP", "#AABBCC", 0),
        ("Std", "#e8833a", 0),
    ]


def test_zones_of_one_name_are_told_apart():
    zones = [
        zone(row(seat(guid)), name=name)
        for guid, name in zip("abcd", ["홀", "홀", "홀 (2)", "홀"], strict=True)
    ]
    assert [block.name for _, block in read(*zones).blocks()] == ["홀", "홀 (2)", "홀 (2) (2)", "홀 (3)"]


def test_a_zone_without_a_name_goes_by_its_id_or_its_place():
    venue = read(zone(row(seat("a")), name=""), zone(row(seat("b")), name="", zone_id=""))
    assert [block.name for _, block in venue.blocks()] == ["z", "zone 2"]


def test_rows_are_numbered_through_the_venue_and_seats_through_the_row():
    venue = read(zone(row(seat("a"), seat("b", "2")), row(seat("c", "3"))), zone(row(seat("d")), name="2층"))
    assert [(seat.row, seat.col) for seat in venue.seats()] == [(1, 1), (1, 2), (2, 1), (3, 1)]


def test_missing_labels_are_made_up_from_places():
    venue = read(
        zone(
            row(seat("a", number="")),
            row(seat("b"), row_number="", row_label="Table 2"),
            row(seat("c"), row_number=""),
        )
    )
    assert [(seat.row_label, seat.seat_label) for seat in venue.seats()] == [
        ("A", "1"),
        ("Table 2", "1"),
        ("3", "1"),
    ]


def test_unknown_fields_are_passed_over():
    assert read(zone(row(seat("g", start_direction="<", radius=9), skew=1), hue=2), layers=[]).name == "Hall"


def test_a_zone_that_only_draws_has_no_block():
    stage = zone(areas=[{"shape": "circle", "circle": {"radius": 5}, "position": at(1, 1)}], name="stage")
    venue = read(stage, zone(row(seat("g"))))
    assert [block.name for _, block in venue.blocks()] == ["홀"]
    assert venue.shapes == (Shape("circle", ((101.0, 201.0),), "#dddddd", radius=5.0),)


def test_a_rectangle_becomes_a_polygon():
    drawn = shapes(shape="rectangle", rectangle={"width": 4, "height": 2}, position=at(1, 1), color="#123")
    assert drawn == (
        Shape("polygon", ((101.0, 201.0), (105.0, 201.0), (105.0, 203.0), (101.0, 203.0)), "#112233"),
    )


def test_rotation_is_clockwise_round_the_position():
    (drawn,) = shapes(shape="rectangle", rectangle={"width": 4, "height": 2}, position=at(0, 0), rotation=90)
    rounded = [(round(x, 6), round(y, 6)) for x, y in drawn.points]
    assert rounded == [(100.0, 200.0), (100.0, 204.0), (98.0, 204.0), (98.0, 200.0)]


def test_a_polygon_and_its_caption_are_two_shapes():
    drawn = shapes(
        shape="polygon",
        polygon={"points": [at(0, 0), at(1, 0), at(0, 1)]},
        color="rgb(1, 2, 300)",
        text={"text": " 무\n대 ", "position": at(5, 5), "color": "#abcdef"},
    )
    assert drawn == (
        Shape("polygon", ((100.0, 200.0), (101.0, 200.0), (100.0, 201.0)), "#0102ff"),
        Shape("text", ((105.0, 205.0),), "#abcdef", text="무 대"),
    )


def test_an_ellipse_becomes_a_polygon_of_its_width_and_height():
    (drawn,) = shapes(shape="ellipse", ellipse={"radius": at(40, 10)}, color="salmon")
    assert max(x for x, _ in drawn.points) == pytest.approx(140)
    assert max(y for _, y in drawn.points) == pytest.approx(210)


def test_an_area_of_unknown_shape_is_left_out():
    assert shapes(shape="cloud") == ()


REFUSED = {
    "the same guid twice": (
        plan(zone(row(seat("g"), seat("g", number="2")))),
        "section '홀', block '홀', row 'A', seat '2'",
        "the guid 'g'",
    ),
    "an unknown category": (plan(zone(row(seat("g", category="")))), "section '홀'", "there is no grade ''"),
    "a seat without guid": (
        plan(zone(row({"seat_number": "1", "position": at(1, 2), "category": "VIP"}))),
        "zones[0].rows[0].seats[0]",
        "`seat_guid`",
    ),
    "no zones": (plan(), "venue 'Hall'", "there is no section"),
    "a seat nowhere": (
        plan(zone(row(seat("g")))).replace(b'"x": 1,', b'"x": NaN,'),
        "zones[0].rows[0].seats[0].position.x (line 1",
        "NaN is not a number",
    ),
    "a polygon of two corners": (
        plan(zone(row(seat("g")), areas=[{"shape": "polygon", "polygon": {"points": [at(0, 0), at(1, 0)]}}])),
        "shape 1",
        "a polygon has 3",
    ),
}


@pytest.mark.parametrize(("data", "where", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_plan_is_refused_with_file_place_and_reason(data, where, reason):
    with pytest.raises(BadPlan) as refusal:
        read_plan(data, file="hall.json")
    assert refusal.value.detail.startswith(f"hall.json: {where}")
    assert reason in refusal.value.detail


def test_a_number_that_is_none_in_a_field_nobody_reads_is_named_by_its_line():
    data = plan(zone(row(seat("g")))).replace(b'"uuid":', b'\n"opacity": NaN, "uuid":')
    with pytest.raises(BadPlan, match=r"hall.json: line 2, column 12: NaN is not a number"):
        read_plan(data, file="hall.json")


def test_a_shape_of_unknown_kind_is_not_written():
    venue = read(zone(row(seat("g"))))
    with pytest.raises(BadPlan, match="the kind 'blob' cannot be written"):
        pretix.write(replace(venue, shapes=(Shape("blob", ((0.0, 0.0),)),)))


def test_a_written_plan_has_whole_sizes_and_radii_that_do_not_touch():
    seats = [seat(guid, guid) | {"position": at(x, 0)} for guid, x in (("a", 0), ("b", 10))]
    venue = read(zone(row(*seats)), size={"width": 99.5, "height": 10})
    written = json.loads(write_plan(venue, "pretix"))
    assert written["size"] == {"width": 100, "height": 10}
    assert {one["radius"] for one in written["zones"][0]["rows"][0]["seats"]} == {4}


def test_an_unchanged_venue_is_written_unchanged():
    venue = read(zone(row(seat("g"))))
    assert write_plan(venue, "pretix") == write_plan(venue, "pretix")
