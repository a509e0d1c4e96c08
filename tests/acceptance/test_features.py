"""The features themselves."""

import re
from pathlib import Path

import pytest

FEATURES = sorted(Path(__file__).parent.glob("*.feature"))


def scenarios_of(text: str) -> list[str]:
    """Their names, reduced to what a test's name keeps of them."""
    names = re.findall(r"^\s*Scenario(?: Outline)?: (.+)$", text, re.MULTILINE)
    return [re.sub(r"\W+", "_", re.sub(r"[^\w\s]", "", name)).strip("_").lower() for name in names]


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_each_scenario_has_a_name_of_its_own(path: Path) -> None:
    """Of two with the same name only one would be run, without a word about the other."""
    names = scenarios_of(path.read_text(encoding="utf-8"))
    assert names
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)


def test_names_that_differ_in_signs_alone_are_the_same() -> None:
    text = "Scenario: Page by page\n  Scenario Outline: Page by  page!\n"
    assert scenarios_of(text) == ["page_by_page", "page_by_page"]
