"""Looking at reservations: a buyer at their own, an organiser at those of a match."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_bdd import scenarios, then, when
from sales import Sales, without_clock
from scenes import Scene, data_of, step

scenarios("reservations.feature")


@dataclass
class Look:
    """The page that was looked at last, and where it was."""

    path: str = ""
    page: dict[str, Any] = field(default_factory=dict)

    def at(self, scene: Scene, name: str, **parameters: str) -> None:
        answer = scene.send(name, "GET", self.path, params=parameters)
        self.page = answer.json().get("data", {})


@pytest.fixture
def look() -> Look:
    return Look()


@when(step("NAME looks at her reservations(?:, COUNT at a time)?"))
def somebody_looks_at_their_own(scene: Scene, look: Look, name: str, count: str | None) -> None:
    look.path = "/api/reservations"
    look.at(scene, name, **({"limit": count} if count else {}))


@when(step("NAME looks at her reservations with (?P<what>limit|before)=(?P<value>.+)"))
def somebody_looks_wrongly(scene: Scene, look: Look, name: str, what: str, value: str) -> None:
    look.path = "/api/reservations"
    look.at(scene, name, **{what: value})


@when(step("NAME looks at the reservations of the match(?:, COUNT at a time)?"))
def somebody_looks_at_everybodys(scene: Scene, look: Look, name: str, count: str | None) -> None:
    look.path = f"/api/schedules/{scene.match.id}/reservations"
    look.at(scene, name, **({"limit": count} if count else {}))


@when(step("NAME looks at the next page, COUNT at a time"))
def somebody_turns_the_page(scene: Scene, look: Look, name: str, count: str) -> None:
    look.at(scene, name, limit=count, before=str(look.page["next"]))


@when(step("NAME looks at OTHER's reservation"))
def somebody_looks_at_anothers(scene: Scene, sales: Sales, name: str, other: str) -> None:
    scene.send(name, "GET", f"/api/reservations/{sales.reservations[other]['id']}")


@then(step("NAME is shown"))
def somebody_is_shown(scene: Scene, name: str, datatable: list[list[str]]) -> None:
    shown = [
        [
            " and ".join(f"{seat['row']}-{seat['col']}" for seat in each["seats"]),
            each["status"],
            f"{each['amount']:,}",
        ]
        for each in data_of(scene.last(name))["items"]
    ]
    assert shown == datatable[1:]


@then(step("NAME is shown nothing"))
def somebody_is_shown_nothing(scene: Scene, name: str) -> None:
    assert data_of(scene.last(name)) == {"items": [], "next": None}


@then(step("NAME is shown what OTHER sees"))
def somebody_is_shown_the_same(scene: Scene, sales: Sales, name: str, other: str) -> None:
    path = f"/api/reservations/{sales.reservations[other]['id']}"
    data_of(scene.last(name))
    assert without_clock(scene.last(name)) == without_clock(scene.client(other).get(path))


@then("there are more")
def there_are_more(look: Look) -> None:
    assert look.page["next"] == look.page["items"][-1]["id"]


@then("there are no more")
def there_are_no_more(look: Look) -> None:
    assert look.page["next"] is None
