"""Who may do what: every action for every role, spelled out once more by hand."""

import itertools
from typing import cast

import pytest

from jari.domain.errors import Forbidden, Unauthenticated
from jari.domain.permissions import Action, Grant, grant, may, require
from jari.domain.users import Role, User

UNKNOWN = "stagehand"  # such as a later version may have stored

EVERYBODY = {None, *Role}
USERS = set(Role)
STAFF = {Role.ORGANISER, Role.OPERATOR}

WHO_MAY = {
    Action.LOOK: {"any": EVERYBODY},
    Action.ENTER: {"any": EVERYBODY},
    Action.HINT: {"any": EVERYBODY},
    Action.MANAGE_ACCOUNT: {"own": USERS},
    Action.HOLD_SEATS: {"own": USERS},
    Action.RESERVE: {"own": USERS},
    Action.SEE_RESERVATION: {"own": USERS, "any": STAFF},
    Action.LIST_RESERVATIONS: {"any": STAFF},
    Action.CANCEL_RESERVATION: {"own": USERS},
    Action.PAY: {"own": USERS},
    Action.REFUND: {"own": USERS, "any": STAFF},
    Action.REFUND_LATE: {"any": STAFF},
    Action.CHECK_IN: {"any": STAFF},
}


def user_of(role):
    return None if role is None else User(7, "minji@example.com", "Minji", role)


def test_the_table_below_knows_every_action():
    assert set(WHO_MAY) == set(Action)


@pytest.mark.parametrize(("action", "role"), list(itertools.product(Action, (None, *Role, UNKNOWN))))
def test_every_role_may_do_what_is_said_here_and_nothing_else(action, role):
    user, who_may = user_of(role), WHO_MAY[action]
    may_any = role in who_may.get("any", ())
    may_own = may_any or role in who_may.get("own", ())
    assert may(user, action, owner_id=7) is may_own
    assert may(user, action, owner_id=8) is may_any
    assert may(user, action) is may_any


@pytest.mark.parametrize("action", Action)
def test_a_role_that_nobody_knows_may_do_nothing(action):
    assert grant(action, UNKNOWN) is Grant.NONE


@pytest.mark.parametrize("role", [None, *Role])
def test_an_action_that_nobody_knows_is_denied(role):
    assert not may(user_of(role), cast("Action", "burn the house down"), owner_id=7)


def test_a_visitor_is_asked_to_log_in_and_a_user_is_told_who_may():
    with pytest.raises(Unauthenticated, match="log in"):
        require(None, Action.CHECK_IN)
    with pytest.raises(Forbidden, match="organiser"):
        require(user_of(Role.BUYER), Action.CHECK_IN)
    with pytest.raises(Forbidden, match="operator"):
        require(user_of(UNKNOWN), Action.HOLD_SEATS, owner_id=7)
    require(user_of(Role.ORGANISER), Action.CHECK_IN)
