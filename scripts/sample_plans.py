"""Draws the sample plans that are shipped with jari, and writes them to src/jari/plans/samples.

Made from public facts only: the numbers of blocks and seats of a large Korean ballpark, the measures of a
baseball field, of a 400 m track and of a football pitch. Deterministic: the same program writes the same
bytes. Run it from anywhere: ``python scripts/sample_plans.py``.

Angles are degrees, 0 to the right and, since y points down, 90 downwards.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jari.plans.native import (
    VERSION,
    Arc,
    Line,
    Plan,
    PlanBlock,
    PlanGrade,
    PlanRow,
    PlanSection,
    PlanShape,
    Point,
    Size,
    encode,
)

SAMPLES: Final = Path(__file__).resolve().parent.parent / "src" / "jari" / "plans" / "samples"

METRE: Final = 20.0
"""Plan units. A seat is half a metre wide, a row four fifths of a metre deep."""

SEAT: Final = 10.0
ROW: Final = 16.0
GANGWAY: Final = 30.0
"""Between the outermost seats' outer edges of neighbouring blocks."""

CONCRETE: Final = "#eceef1"
GRASS: Final = "#6aa84f"
LIGHT_GRASS: Final = "#78b45d"
DIRT: Final = "#c69c6d"
WHITE: Final = "#ffffff"
INK: Final = "#333333"


@dataclass(slots=True)
class Row:
    """A row while it is being planned: its ``count`` may still change."""

    curve: Arc | Line
    count: int
    grade: str | None = None
    accessible: tuple[int, ...] = ()
    companion: tuple[int, ...] = ()
    restricted_view: tuple[int, ...] = ()

    def plan(self, label: str) -> PlanRow:
        """The finished row; its first and last seats are on an aisle."""
        return PlanRow(
            label=label,
            count=self.count,
            arc=self.curve if isinstance(self.curve, Arc) else None,
            line=self.curve if isinstance(self.curve, Line) else None,
            grade=self.grade,
            accessible=self.accessible,
            companion=self.companion,
            restricted_view=self.restricted_view,
            aisle=tuple(sorted({1, self.count})),
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A block while it is being planned; rows front to back."""

    name: str
    rows: tuple[Row, ...]

    def plan(self) -> PlanBlock:
        """The finished block."""
        return PlanBlock(
            name=self.name, rows=tuple(row.plan(str(number)) for number, row in enumerate(self.rows, start=1))
        )


@dataclass(frozen=True, slots=True)
class Tier:
    """Rows of equal depth: ``inner`` is the radius of the first, in plan units."""

    inner: float
    rows: int

    def radii(self) -> Iterator[float]:
        """Front to back."""
        return (self.inner + ROW * index for index in range(self.rows))

    def back(self, margin: float = ROW) -> float:
        """The radius just behind the last row."""
        return self.inner + ROW * (self.rows - 1) + margin


def rounded(x: float, y: float) -> Point:
    """A point as it is written: a hundredth of a unit is half a millimetre."""
    return round(x, 2), round(y, 2)


def polar(center: Point, radius: float, degrees: float) -> Point:
    """The point at an angle and distance from ``center``."""
    angle = math.radians(degrees)
    return rounded(center[0] + radius * math.cos(angle), center[1] + radius * math.sin(angle))


def arc_row(center: Point, radius: float, start: float, end: float, gangway: float = GANGWAY) -> Row:
    """As many seats as fit between two radial gangways, spread evenly so that the gangways are straight."""
    length = radius * math.radians(abs(end - start)) - gangway
    count = int(length // SEAT)
    # Half a gangway, and half of the first seat, lie between the block's border and the first seat's middle.
    inset = math.degrees((gangway + length / count) / 2 / radius) * math.copysign(1, end - start)
    arc = Arc(center=center, radius=radius, start=round(start + inset, 4), end=round(end - inset, 4))
    return Row(arc, count)


def line_row(start: Point, end: Point, gangway: float = GANGWAY) -> Row:
    """The same along a straight line."""
    whole = math.dist(start, end)
    count = int((whole - gangway) // SEAT)
    share = (gangway + (whole - gangway) / count) / 2 / whole
    across, down = (end[0] - start[0]) * share, (end[1] - start[1]) * share
    line = Line(
        start=rounded(start[0] + across, start[1] + down), end=rounded(end[0] - across, end[1] - down)
    )
    return Row(line, count)


def wedges(center: Point, tier: Tier, start: float, end: float, names: list[str]) -> list[Block]:
    """A tier between two angles, cut into blocks of equal angles."""
    step = (end - start) / len(names)
    return [
        Block(
            name,
            tuple(
                arc_row(center, radius, start + index * step, start + (index + 1) * step)
                for radius in tier.radii()
            ),
        )
        for index, name in enumerate(names)
    ]


def trim(blocks: list[Block], target: int) -> None:
    """Take single seats away, spread over the back rows of the blocks, until ``target`` are left."""
    surplus = sum(row.count for block in blocks for row in block.rows) - target
    if surplus < 0:
        raise ValueError(f"{-surplus} seats are missing")
    for number in range(surplus):
        # A stride that shares no factor with the usual numbers of blocks spreads the loss over the bowl.
        block = blocks[(number * 37) % len(blocks)]
        block.rows[-1 - number // len(blocks)].count -= 1


def section(name: str, grade: str, blocks: Iterable[Block]) -> PlanSection:
    """The finished section."""
    return PlanSection(name=name, grade=grade, blocks=tuple(block.plan() for block in blocks))


def polygon(color: str, points: Iterable[Point]) -> PlanShape:
    """A filled polygon."""
    return PlanShape(kind="polygon", points=tuple(points), color=color)


def disc(color: str, center: Point, radius: float) -> PlanShape:
    """A filled circle."""
    return PlanShape(kind="circle", points=(rounded(*center),), color=color, radius=radius)


def caption(text: str, at: Point, color: str = INK) -> PlanShape:
    """A word, in the middle of which lies ``at``."""
    return PlanShape(kind="text", points=(rounded(*at),), color=color, text=text)


def ring(color: str, center: Point, radii: Point, angles: Point) -> PlanShape:
    """A sector of a ring, as a polygon."""
    degrees = list(steps(*angles))
    inner = (polar(center, radii[0], angle) for angle in degrees)
    outer = (polar(center, radii[1], angle) for angle in reversed(degrees))
    return polygon(color, (*inner, *outer))


def steps(start: float, end: float, degrees: float = 3.0) -> Iterator[float]:
    """Angles from one to the other, about ``degrees`` apart."""
    count = max(1, round(abs(end - start) / degrees))
    return (start + (end - start) * index / count for index in range(count + 1))


def bar(color: str, start: Point, end: Point, width: float) -> PlanShape:
    """A straight line of some width."""
    length = math.dist(start, end)
    across = (start[1] - end[1]) / length * width / 2
    down = (end[0] - start[0]) / length * width / 2
    corners = (
        (start[0] + across, start[1] + down),
        (end[0] + across, end[1] + down),
        (end[0] - across, end[1] - down),
        (start[0] - across, start[1] - down),
    )
    return polygon(color, (rounded(*corner) for corner in corners))


def rectangle(color: str, center: Point, width: float, height: float) -> PlanShape:
    """An upright rectangle round ``center``."""
    x, y = center
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return polygon(color, (rounded(x + right * width / 2, y + down * height / 2) for right, down in corners))


def names(first: int, last: int) -> list[str]:
    """Block names, both ends included."""
    return [str(number) for number in range(first, last + 1)]


def chosen(blocks: Iterable[Block], *ranges: tuple[int, int]) -> list[Block]:
    """The blocks whose names lie in one of the ranges."""
    wanted = {name for first, last in ranges for name in names(first, last)}
    return [block for block in blocks if block.name in wanted]


# The ballpark. All stands lie on circles round a point 48 m from home plate towards centre field: from there
# the fence (100 m down the lines, 125 m in the middle) and the backstop are both nearly circular.

BALLPARK_SEATS: Final = 23_750
BALLPARK_CENTER: Final = (2230.0, 1990.0)
HOME: Final = (2230.0, 1990.0 + 48 * METRE)
FENCE: Final = 77.5 * METRE
BACKSTOP: Final = 64 * METRE
INFIELD_TIERS: Final = (Tier(65.5 * METRE, 12), Tier(78 * METRE, 13), Tier(91.5 * METRE, 14))
OUTFIELD_TIER: Final = Tier(79.5 * METRE, 13)


def from_home(metres: float, degrees: float) -> Point:
    """A point of the field: ``degrees`` to the right of the line from home plate to second base."""
    return polar(HOME, metres * METRE, degrees - 90)


def ballpark() -> Plan:
    """A baseball ground of the scale of Jamsil."""
    first, second, third = INFIELD_TIERS
    blocks = [
        *wedges(BALLPARK_CENTER, first, -9, 189, names(101, 122)),
        *wedges(BALLPARK_CENTER, second, -12, 192, names(201, 226)),
        *wedges(BALLPARK_CENTER, third, -14, 194, names(301, 334)),
        *wedges(BALLPARK_CENTER, OUTFIELD_TIER, -21, -159, names(401, 422)),
    ]
    trim(blocks, BALLPARK_SEATS)
    for block in chosen(blocks, (103, 120)):
        block.rows[-1].accessible, block.rows[-1].companion = (1, 4), (2, 3)
    for block in chosen(blocks, (401, 401), (422, 422)):
        # Beside the pole the screen along the foul line stands in the way.
        block.rows[0].restricted_view = (1, 2, 3)
    return Plan(
        format="jari-plan",
        version=VERSION,
        name="잠실 규모 야구장",
        size=Size(width=4460, height=4230),
        grades=(
            PlanGrade(code="BLUE", name="블루석", color="#2f6fc4", price=22_000),
            PlanGrade(code="RED", name="레드석", color="#d1393f", price=17_000),
            PlanGrade(code="ORANGE", name="오렌지석", color="#ee8a2b", price=20_000),
            PlanGrade(code="NAVY", name="네이비석", color="#2b3a73", price=14_000),
            PlanGrade(code="GREEN", name="그린석(외야)", color="#3f9a56", price=9_000),
        ),
        sections=(
            section("1루 레드석", "RED", chosen(blocks, (101, 106), (201, 204))),
            section("1루 오렌지석", "ORANGE", chosen(blocks, (205, 208))),
            section("1루 블루석", "BLUE", chosen(blocks, (107, 111), (209, 213))),
            section("3루 블루석", "BLUE", chosen(blocks, (112, 116), (214, 218))),
            section("3루 오렌지석", "ORANGE", chosen(blocks, (219, 222))),
            section("3루 레드석", "RED", chosen(blocks, (117, 122), (223, 226))),
            section("1루 네이비석", "NAVY", chosen(blocks, (301, 317))),
            section("3루 네이비석", "NAVY", chosen(blocks, (318, 334))),
            section("1루 외야 그린석", "GREEN", chosen(blocks, (401, 411))),
            section("3루 외야 그린석", "GREEN", chosen(blocks, (412, 422))),
        ),
        shapes=(*_ballpark_stands(), *_ballpark_field(), *_ballpark_captions()),
    )


def _ballpark_stands() -> Iterator[PlanShape]:
    first, second, third = INFIELD_TIERS
    for tier, angles in ((first, (-9, 189)), (second, (-12, 192)), (third, (-14, 194))):
        yield ring(CONCRETE, BALLPARK_CENTER, (tier.inner - ROW, tier.back()), angles)
    yield ring(CONCRETE, BALLPARK_CENTER, (OUTFIELD_TIER.inner - ROW, OUTFIELD_TIER.back()), (-21, -159))


def _ballpark_outline(inset: float) -> Iterator[Point]:
    """The edge of the field, ``inset`` units inside walls and fence."""
    yield from (polar(BALLPARK_CENTER, FENCE - inset, angle) for angle in steps(-17.5, -162.5))
    yield from (polar(BALLPARK_CENTER, BACKSTOP - inset, angle) for angle in steps(190, -10))


def _ballpark_field() -> Iterator[PlanShape]:
    base_metres, mound_metres, skin_metres = 27.43, 18.44, 29.0
    yield polygon(DIRT, _ballpark_outline(0))
    yield polygon(GRASS, _ballpark_outline(4 * METRE))
    # The rake's edge: a circle round the mound, cut off a little outside the foul lines.
    skin = (
        from_home(
            mound_metres * math.cos(math.radians(angle))
            + math.sqrt(skin_metres**2 - (mound_metres * math.sin(math.radians(angle))) ** 2),
            angle,
        )
        for angle in steps(-48, 48)
    )
    yield polygon(DIRT, (from_home(-1.2, 0), *skin))
    diagonal = base_metres * math.sqrt(2)
    middle = from_home(diagonal / 2, 0)
    reach = diagonal / 2 * METRE * 0.86
    yield polygon(LIGHT_GRASS, (polar(middle, reach, angle) for angle in (0, 90, 180, 270)))
    bases = (from_home(base_metres, 45), from_home(diagonal, 0), from_home(base_metres, -45))
    for base in bases:
        yield disc(DIRT, base, 3.4 * METRE)
    yield disc(DIRT, HOME, 4.5 * METRE)
    yield disc(DIRT, from_home(mound_metres, 0), 2.7 * METRE)
    yield rectangle(WHITE, from_home(mound_metres, 0), 1.0 * METRE, 0.3 * METRE)
    for angle in (-45, 45):
        yield bar(WHITE, from_home(0.5, angle), from_home(100, angle), 0.3 * METRE)
    for base in bases:
        yield polygon(WHITE, (polar(base, 0.9 * METRE, angle) for angle in (0, 90, 180, 270)))
    x, y = HOME
    plate = ((-14, -14), (14, -14), (14, 2), (0, 16), (-14, 2))
    yield polygon(WHITE, (rounded(x + right, y + down) for right, down in plate))


def _ballpark_captions() -> Iterator[PlanShape]:
    yield caption("1루", from_home(38, 66), WHITE)
    yield caption("3루", from_home(38, -66), WHITE)
    yield caption("홈", from_home(-9, 0), WHITE)
    yield caption("외야", from_home(85, 0), WHITE)


# The theatre. Rows are arcs round a point far behind the stage.

THEATRE_SEATS: Final = 1_200
THEATRE_CENTER: Final = (440.0, -180.0)
STALLS: Final = Tier(420, 20)
BALCONY: Final = Tier(820, 7)
THEATRE_GANGWAY: Final = 24.0


def _theatre_block(name: str, tier: Tier, start: float, end: float) -> Block:
    rows = (arc_row(THEATRE_CENTER, radius, start, end, THEATRE_GANGWAY) for radius in tier.radii())
    return Block(name, tuple(rows))


def theatre() -> Plan:
    """A theatre with stalls and a balcony; seats are numbered from the left as seen by the audience."""
    stalls = [
        _theatre_block("1층 A", STALLS, 114, 101.5),
        _theatre_block("1층 B", STALLS, 101.5, 78.5),
        _theatre_block("1층 C", STALLS, 78.5, 66),
    ]
    balcony = [
        _theatre_block("2층 A", BALCONY, 113, 101),
        _theatre_block("2층 B", BALCONY, 101, 79),
        _theatre_block("2층 C", BALCONY, 79, 67),
    ]
    trim([*stalls, *balcony], THEATRE_SEATS)
    _theatre_grades(stalls, balcony)
    _theatre_flags(stalls, balcony)
    return Plan(
        format="jari-plan",
        version=VERSION,
        name="1,200석 극장",
        size=Size(width=880, height=800),
        grades=(
            PlanGrade(code="VIP", name="VIP석", color="#a8324a", price=150_000),
            PlanGrade(code="R", name="R석", color="#d9822b", price=120_000),
            PlanGrade(code="S", name="S석", color="#3f7fbf", price=90_000),
            PlanGrade(code="A", name="A석", color="#5d8f5a", price=60_000),
        ),
        sections=(
            section("1층 중앙", "VIP", stalls[1:2]),
            section("1층 측면", "R", (stalls[0], stalls[2])),
            section("2층 중앙", "S", balcony[1:2]),
            section("2층 측면", "A", (balcony[0], balcony[2])),
        ),
        shapes=tuple(_theatre_shapes()),
    )


def _theatre_grades(stalls: list[Block], balcony: list[Block]) -> None:
    """Dearer in front and in the middle; what is not named here has its section's grade."""
    left, centre, right = stalls
    for row in centre.rows[11:]:
        row.grade = "R"
    for side in (left, right):
        for row in side.rows[9:16]:
            row.grade = "S"
        for row in side.rows[16:]:
            row.grade = "A"
    for row in balcony[1].rows[4:]:
        row.grade = "A"


def _theatre_flags(stalls: list[Block], balcony: list[Block]) -> None:
    """Places for wheelchairs, each beside one for company, where the level cross aisle is: behind the stalls."""
    for block in stalls:
        last = block.rows[-1]
        last.accessible = (1, 4, last.count - 3, last.count)
        last.companion = (2, 3, last.count - 2, last.count - 1)
    left, _, right = balcony
    for row in left.rows:
        row.restricted_view = (1, 2)
    for row in right.rows:
        row.restricted_view = (row.count - 1, row.count)


def _theatre_shapes() -> Iterator[PlanShape]:
    front = 360.0
    x, _ = THEATRE_CENTER
    floor, gallery = "#f1ece6", "#e6dfd6"
    yield ring(floor, THEATRE_CENTER, (STALLS.inner - 2 * ROW, STALLS.back(1.5 * ROW)), (65, 115))
    yield ring(gallery, THEATRE_CENTER, (BALCONY.inner - ROW, BALCONY.back()), (66, 114))
    yield ring("#8d7b68", THEATRE_CENTER, (BALCONY.inner - ROW - 6, BALCONY.inner - ROW), (66, 114))
    apron = [polar(THEATRE_CENTER, front, angle) for angle in steps(66, 114)]
    yield polygon("#4a3b32", ((x + 210, 30), *apron, (x - 210, 30)))
    yield polygon(
        "#b08d62",
        (
            (x + 196, 44),
            *(polar(THEATRE_CENTER, front - 12, angle) for angle in steps(67, 113)),
            (x - 196, 44),
        ),
    )
    yield caption("무대", (x, 105), WHITE)


# The stadium. Stands run parallel to a 400 m track: straights of 84.39 m, ends of 36.5 m radius.

STADIUM_SEATS: Final = 60_000
STADIUM_CENTER: Final = (2900.0, 2030.0)
HALF_STRAIGHT: Final = 84.39 / 2 * METRE
STADIUM_TIERS: Final = (Tier(51 * METRE, 18), Tier(68 * METRE, 15), Tier(82.5 * METRE, 19))
STRAIGHT_BLOCKS: Final = (6, 6, 6)
END_BLOCKS: Final = (8, 10, 12)


def _straight(tier: Tier, side: int, labels: list[str]) -> list[Block]:
    """A straight stand, clockwise: ``side`` 1 is below the pitch, -1 above it."""
    x, y = STADIUM_CENTER
    step = 2 * HALF_STRAIGHT / len(labels)
    blocks = []
    for index, label in enumerate(labels):
        start = x + side * (HALF_STRAIGHT - index * step)
        rows = (
            line_row((start, y + side * radius), (start - side * step, y + side * radius))
            for radius in tier.radii()
        )
        blocks.append(Block(label, tuple(rows)))
    return blocks


def _end(tier: Tier, side: int, labels: list[str]) -> list[Block]:
    """A curved end, clockwise: ``side`` -1 is left of the pitch, 1 right of it."""
    x, y = STADIUM_CENTER
    start = 90.0 if side < 0 else -90.0
    return wedges(rounded(x + side * HALF_STRAIGHT, y), tier, start, start + 180, labels)


def stadium() -> Plan:
    """A football and athletics bowl of three tiers."""
    sides: dict[str, list[list[Block]]] = {"서측": [], "북측": [], "동측": [], "남측": []}
    tiers = zip(STADIUM_TIERS, STRAIGHT_BLOCKS, END_BLOCKS, strict=True)
    for number, (tier, straight, end) in enumerate(tiers, start=1):
        labels = names(number * 100 + 1, number * 100 + 2 * (straight + end))
        first, second, third = straight, straight + end, 2 * straight + end
        sides["서측"].append(_straight(tier, 1, labels[:first]))
        sides["북측"].append(_end(tier, -1, labels[first:second]))
        sides["동측"].append(_straight(tier, -1, labels[second:third]))
        sides["남측"].append(_end(tier, 1, labels[third:]))
    blocks = [block for side in sides.values() for tier_blocks in side for block in tier_blocks]
    trim(blocks, STADIUM_SEATS)
    for block in chosen(blocks, (101, 128)):
        block.rows[-1].accessible, block.rows[-1].companion = (1, 4), (2, 3)
    return Plan(
        format="jari-plan",
        version=VERSION,
        name="6만석 종합경기장",
        size=Size(width=5800, height=4060),
        grades=(
            PlanGrade(code="VIP", name="VIP석", color="#8c3fa0", price=120_000),
            PlanGrade(code="FIRST", name="1등석", color="#d1393f", price=70_000),
            PlanGrade(code="SECOND", name="2등석", color="#ee8a2b", price=50_000),
            PlanGrade(code="FANS", name="응원석", color="#2f6fc4", price=35_000),
            PlanGrade(code="THIRD", name="3등석", color="#3f9a56", price=25_000),
        ),
        sections=tuple(_stadium_sections(sides)),
        shapes=(*_stadium_stands(), *_stadium_field()),
    )


def _stadium_sections(sides: dict[str, list[list[Block]]]) -> Iterator[PlanSection]:
    for side, (first, second, third) in sides.items():
        if side == "서측":
            yield section("서측 VIP석", "VIP", first[2:4])
            yield section("서측 1층 1등석", "FIRST", (*first[:2], *first[4:]))
        elif side == "동측":
            yield section("동측 1층 1등석", "FIRST", first)
        else:
            yield section(f"{side} 1층 응원석", "FANS", first)
        yield section(f"{side} 2층 2등석", "SECOND", second)
        yield section(f"{side} 3층 3등석", "THIRD", third)


def _oval(radius: float) -> Iterator[Point]:
    """A track's outline: two straights and two half circles."""
    x, y = STADIUM_CENTER
    yield from (polar((x - HALF_STRAIGHT, y), radius, angle) for angle in steps(90, 270))
    yield from (polar((x + HALF_STRAIGHT, y), radius, angle) for angle in steps(-90, 90))


def _stadium_stands() -> Iterator[PlanShape]:
    for tier in reversed(STADIUM_TIERS):
        yield polygon(CONCRETE, _oval(tier.back()))
        yield polygon(WHITE, _oval(tier.inner - ROW))


def _stadium_field() -> Iterator[PlanShape]:
    inner, lane = 36.5 * METRE, 1.22 * METRE
    for number in range(8, 0, -1):
        yield polygon("#b9604a" if number % 2 else "#c46f58", _oval(inner + number * lane))
    yield polygon(GRASS, _oval(inner))
    x, y = STADIUM_CENTER
    line, half_length, half_width = 0.3 * METRE, 52.5 * METRE, 34 * METRE
    for stripe in range(10):
        color = LIGHT_GRASS if stripe % 2 else GRASS
        middle = (x - half_length + (stripe + 0.5) * half_length / 5, y)
        yield rectangle(color, middle, half_length / 5, 2 * half_width)
    yield from _frame((x, y), 2 * half_length, 2 * half_width, line)
    yield bar(WHITE, (x, y - half_width), (x, y + half_width), line)
    for side in (-1, 1):
        for depth, width in ((16.5, 40.32), (5.5, 18.32)):
            middle = (x + side * (half_length - depth * METRE / 2), y)
            yield from _frame(middle, depth * METRE, width * METRE, line)
        yield disc(WHITE, (x + side * (half_length - 11 * METRE), y), 0.4 * METRE)
    yield ring(WHITE, (x, y), (9.0 * METRE, 9.3 * METRE), (0, 360))
    yield disc(WHITE, (x, y), 0.4 * METRE)


def _frame(center: Point, width: float, height: float, line: float) -> Iterator[PlanShape]:
    """The outline of a rectangle, as four bars."""
    left, right = center[0] - width / 2, center[0] + width / 2
    top, bottom = center[1] - height / 2, center[1] + height / 2
    yield bar(WHITE, (left, top), (right, top), line)
    yield bar(WHITE, (left, bottom), (right, bottom), line)
    yield bar(WHITE, (left, top), (left, bottom), line)
    yield bar(WHITE, (right, top), (right, bottom), line)


def main() -> None:
    """Write all of them."""
    for name, plan in (("ballpark", ballpark()), ("theatre", theatre()), ("stadium", stadium())):
        (SAMPLES / f"{name}.json").write_bytes(encode(plan))


if __name__ == "__main__":
    main()
