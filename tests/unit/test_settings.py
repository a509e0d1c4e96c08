"""Reading the settings from the environment."""

import ast
import dataclasses
from pathlib import Path

import pytest

from jari import settings as module
from jari.settings import BadSetting, GatewaySettings, Settings

USE_CASES = Path(__file__).parents[2] / "src/jari/usecases"

NUMBERS = [field.name for field in dataclasses.fields(Settings) if field.type is int]
TEXTS = [field.name for field in dataclasses.fields(Settings) if field.type is str]


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_can_be_set(name):
    settings = Settings.from_environment({f"JARI_{name.upper()}": "7"})
    assert settings == dataclasses.replace(Settings(), **{name: 7})


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_can_be_set(name):
    settings = Settings.from_environment({f"JARI_{name.upper()}": "some text"})
    assert settings == dataclasses.replace(Settings(), **{name: "some text"})


def test_every_setting_is_a_number_or_a_text():
    assert len(NUMBERS) + len(TEXTS) == len(dataclasses.fields(Settings))


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", " 7", "7 ", "many", "0x10", "1_000", "٣", "²"])
def test_a_number_that_is_not_positive_and_whole_is_refused_by_name(text):
    with pytest.raises(BadSetting, match=r"JARI_PORT=.* is not a positive whole number: correct or unset it"):
        Settings.from_environment({"JARI_PORT": text})


def test_the_command_line_wins_over_the_environment():
    assert Settings.from_environment({"JARI_PORT": "1"}, port=2).port == 2


def test_an_option_that_was_not_given_leaves_the_environment_alone():
    assert Settings.from_environment({"JARI_PORT": "1"}, port=None).port == 1


def test_other_variables_are_nobodys_business():
    assert Settings.from_environment({"PORT": "1", "JARI_UNKNOWN": "x", "jari_port": "2"}) == Settings()


@pytest.mark.parametrize("name", NUMBERS)
def test_every_default_would_be_accepted_as_a_setting(name):
    default = getattr(Settings(), name)
    read = Settings.from_environment({f"JARI_{name.upper()}": str(default)})
    assert getattr(read, name) == default


def test_settings_cannot_be_changed_while_the_program_runs():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1


SLICES = [
    each
    for each in vars(module).values()
    if isinstance(each, type) and dataclasses.is_dataclass(each) and each not in {Settings, GatewaySettings}
]


def test_every_slice_is_part_of_the_whole():
    assert len(SLICES) > 20
    assert [each.__name__ for each in SLICES if not issubclass(Settings, each)] == []


def test_each_setting_stands_in_one_slice():
    names = [name for each in SLICES for name in vars(each).get("__annotations__", {})]
    assert sorted(names) == sorted(field.name for field in dataclasses.fields(Settings))


@pytest.mark.parametrize("path", sorted(USE_CASES.glob("*.py")), ids=lambda path: path.stem)
def test_no_use_case_is_given_settings_that_it_does_not_need(path):
    imported = {
        name.name
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.ImportFrom) and each.module == "jari.settings"
        for name in each.names
    }
    assert "Settings" not in imported
