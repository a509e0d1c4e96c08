"""What every command is made of: none can be forgotten."""

import inspect
from dataclasses import fields, is_dataclass

import pytest

from jari.domain import commands
from jari.domain.box_office import BoxOffice, Command
from jari.domain.commands import holds, payments, refunds, reservations, tickets
from jari.domain.needs import Needs
from jari.domain.reservations import Reservation
from jari.domain.seating import Held

MODULES = (holds, reservations, payments, refunds, tickets)
COMMANDS = [
    each
    for module in MODULES
    for each in vars(module).values()
    if inspect.isclass(each) and issubclass(each, Command) and each.__module__ == module.__name__
]


def test_every_module_of_commands_is_looked_at():
    found = {name for name in vars(commands) if inspect.ismodule(getattr(commands, name))}
    assert found == {module.__name__.rpartition(".")[2] for module in MODULES}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_a_frozen_value_without_a_dict(command):
    assert is_dataclass(command)
    assert command.__dataclass_params__.frozen
    made = command(*(None for _ in fields(command)))
    assert hash(made) == hash(command(*(None for _ in fields(command))))
    assert not hasattr(made, "__dict__")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_leads_to_where_it_is_decided(command):
    assert command.outcome() is inspect.signature(command.decide).return_annotation


def test_most_commands_lead_to_a_reservation():
    """The negative control of the test above: outcomes differ, so that one for all would not do."""
    assert {each.__name__ for each in COMMANDS if each.outcome() is not Reservation} == {
        "Hold",
        "Release",
        "Expire",
    }


def test_a_command_that_does_not_say_how_it_is_decided_cannot_be_made():
    class Undecided(Command[Held]):
        @property
        def needs(self):
            return Needs()

    with pytest.raises(TypeError, match="abstract"):
        Undecided()


def test_a_command_that_does_not_say_what_it_needs_cannot_be_made():
    class Needless(Command[Held]):
        def decide(self, office: BoxOffice) -> Held:
            raise AssertionError

    with pytest.raises(TypeError, match="abstract"):
        Needless()


def test_a_command_that_does_not_say_what_it_leads_to_cannot_be_defined():
    with pytest.raises(TypeError, match="leads to"):

        class Pointless(Command):
            pass
