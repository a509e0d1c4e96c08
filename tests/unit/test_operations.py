"""`docs/operations.md` says what there is: every setting with its default, and for every loss the test that shows it."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from jari.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SHOWN_BY = -1  # the column of the table of losses that names tests


def section(title):
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows_of(title):
    """The cells of each row of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def written(default):
    """A default as the page writes it."""
    if isinstance(default, int):
        return f"{default:,}"
    return f"`{default}`" if default else "\N{EN DASH}"


def documented():
    """Name → default of every setting in the table; none stands there twice."""
    settings = {}
    for names, defaults, _ in rows_of("Settings"):
        for name, default in zip(names.split(" · "), defaults.split(" · "), strict=True):
            assert name not in settings
            settings[name] = default
    return settings


def test_every_setting_is_documented_with_its_default():
    assert documented() == {
        f"`{field.name.upper()}`": written(field.default) for field in dataclasses.fields(Settings)
    }


LOSSES = rows_of("What is lost when something fails")


def functions_of(path):
    if not (ROOT / path).is_file():
        return set()
    return {
        each.name
        for each in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def missing(cell):
    """What a cell that names tests lacks: any test at all, or those of the named that there are not."""
    named = TEST_NAME.findall(cell)
    return (
        [f"{path}::{name}" for path, name in named if name not in functions_of(path)] if named else ["a test"]
    )


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss[0])
def test_every_line_about_a_loss_names_the_tests_that_show_it(loss):
    assert missing(loss[SHOWN_BY]) == []


@pytest.mark.parametrize(
    ("cell", "lacks"),
    [
        ("", ["a test"]),
        ("we believe so", ["a test"]),
        (f"`tests/unit/{Path(__file__).name}::test_that_there_is_not`", None),
        ("`tests/processes/test_nothing.py::test_nothing`", None),
        (f"`tests/unit/{Path(__file__).name}::test_a_test_that_there_is_not_is_found`", []),
    ],
)
def test_a_test_that_there_is_not_is_found(cell, lacks):
    assert missing(cell) == ([cell.strip("`")] if lacks is None else lacks)
