"""Who may do what. What this table does not grant is denied, and so is everything to a role that it does not name.

A visitor is anybody who is not logged in. ``OWN`` grants an action on what belongs to the user, ``ANY`` on anybody's.
What has no owner takes ``ANY``.
"""

from enum import Enum, StrEnum, auto

from jari.domain.errors import Forbidden, Unauthenticated
from jari.domain.users import Role, User


class Action(StrEnum):
    """Everything that can be asked of the service over HTTP."""

    LOOK = "look at what is public: schedules, plans, seats and their changes, documents, probes, figures"
    ENTER = "sign up, log in and log out"
    HINT = "tell that a payment may have changed"
    MANAGE_ACCOUNT = "look at an account, change its password, end its sessions"
    HOLD_SEATS = "hold seats, look at those held, and release them"
    RESERVE = "reserve held seats"
    SEE_RESERVATION = "look at a reservation and its tickets"
    LIST_RESERVATIONS = "list all reservations of a schedule"
    CANCEL_RESERVATION = "give up an unpaid reservation"
    PAY = "pay for a reservation"
    REFUND = "take paid seats back for money"
    REFUND_LATE = "take them back after the deadline, or after they were used"
    CHECK_IN = "let the holders of tickets in"


class Grant(Enum):
    """How much of an action somebody may do."""

    NONE = auto()
    OWN = auto()
    ANY = auto()


NONE, OWN, ANY = Grant  # every request compares with them several times; a look-up in the class is slow

_WHO = (None, Role.BUYER, Role.ORGANISER, Role.OPERATOR)
_GRANTS = {
    # action                     visitor buyer organiser operator
    Action.LOOK:                 (ANY,    ANY,  ANY,      ANY),
    Action.ENTER:                (ANY,    ANY,  ANY,      ANY),
    Action.HINT:                 (ANY,    ANY,  ANY,      ANY),
    Action.MANAGE_ACCOUNT:       (NONE,   OWN,  OWN,      OWN),
    Action.HOLD_SEATS:           (NONE,   OWN,  OWN,      OWN),
    Action.RESERVE:              (NONE,   OWN,  OWN,      OWN),
    Action.SEE_RESERVATION:      (NONE,   OWN,  ANY,      ANY),
    Action.LIST_RESERVATIONS:    (NONE,   NONE, ANY,      ANY),
    Action.CANCEL_RESERVATION:   (NONE,   OWN,  OWN,      OWN),
    Action.PAY:                  (NONE,   OWN,  OWN,      OWN),
    Action.REFUND:               (NONE,   OWN,  ANY,      ANY),
    Action.REFUND_LATE:          (NONE,   NONE, ANY,      ANY),
    Action.CHECK_IN:             (NONE,   NONE, ANY,      ANY),
}  # fmt: skip
_GRANTED: dict[tuple[Action, str | None], Grant] = {
    (action, who): grant
    for action, grants in _GRANTS.items()
    for who, grant in zip(_WHO, grants, strict=True)
}


def grant(action: Action, role: str | None) -> Grant:
    """How much of the action somebody of this role may do; a visitor has none."""
    return _GRANTED.get((action, role), NONE)


def may(user: User | None, action: Action, owner_id: int | None = None) -> bool:
    """Whether the user may do this to what belongs to the owner; None stands for a visitor, and for no owner."""
    if user is None:
        return grant(action, None) is ANY
    granted = grant(action, user.role)
    return granted is ANY or (granted is OWN and owner_id == user.id)


def require(user: User | None, action: Action, owner_id: int | None = None) -> None:
    """Refuse what the user may not do. Where a stranger must not even learn that something exists, ask `may` instead.

    Raises:
        Unauthenticated: a visitor may not do it; a user may be allowed to.
        Forbidden: this user may not.
    """
    if may(user, action, owner_id):
        return
    if user is None:
        raise Unauthenticated("You are not logged in, or your session has ended: log in and try again.")
    if user.role not in _WHO:
        raise Forbidden("The role of your account is not known here: ask the operator.")
    raise Forbidden("Only organisers may do that: log in with an organiser's account.")
