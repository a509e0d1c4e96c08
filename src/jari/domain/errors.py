"""Everything that can be refused, as one tree.

::

    JariError
    ├── NotFound
    ├── Invalid                       what was sent makes no sense
    │   ├── TooManySeats
    │   ├── UnknownSeats
    │   ├── BadPlan
    │   ├── BadTicket
    │   └── KeyReused
    ├── Conflict                      it makes sense, but not in the present state
    │   ├── SeatsTaken
    │   ├── NotYourSeats
    │   ├── KeptTooLong
    │   ├── SaleNotOpen
    │   ├── EmailTaken
    │   ├── StillRunning
    │   ├── PlanDropsSeats
    │   ├── NothingHeld
    │   ├── ReservationClosed
    │   ├── ReservationExpired
    │   ├── AmountMismatch
    │   ├── PaymentUnderWay
    │   ├── PaymentReturned
    │   ├── NotRefundable
    │   ├── TicketUsed
    │   ├── TicketVoid
    │   ├── WrongDoor
    │   └── StaleDecision             the store saw another state than the decision had read
    ├── Unauthenticated
    ├── WrongCredentials
    ├── Forbidden
    ├── TooManyAttempts
    ├── PaymentRefused                the gateway took no money, for a reason of its own
    └── Unavailable                   not now: try again later

Each error says what happened, to which seats, and what to do next. ``code`` is stable: programs may rely
on it. The HTTP status of each stands in ``web/errors.py`` and nowhere else.
"""

from collections.abc import Sequence


class JariError(Exception):
    """Something was refused; ``detail`` is a sentence for people."""

    code: str = "ERROR"
    title: str = "The request was refused"

    def __init__(self, detail: str, *, seat_ids: Sequence[int] = (), retry_after_seconds: int = 0) -> None:
        # A flood raises these by the thousand: `Exception.__init__` would only do what `__str__` does here.
        self.detail = detail
        self.seat_ids = tuple(seat_ids)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return self.detail


class NotFound(JariError):
    """There is no such thing."""

    code = "NOT_FOUND"
    title = "Not found"


class Invalid(JariError):
    """What was sent makes no sense, whatever the state."""

    code = "INVALID"
    title = "The request is not valid"


class TooManySeats(Invalid):
    """More seats than one buyer may have in one schedule."""

    code = "TOO_MANY_SEATS"
    title = "Too many seats"


class UnknownSeats(Invalid):
    """Seats that this schedule does not have."""

    code = "UNKNOWN_SEATS"
    title = "No such seats"


class BadPlan(Invalid):
    """A seating plan that cannot be taken; names file, place and reason."""

    code = "BAD_PLAN"
    title = "The seating plan cannot be imported"


class BadTicket(Invalid):
    """A ticket's code that we did not sign, or that somebody changed."""

    code = "BAD_TICKET"
    title = "Not a ticket of ours"


class KeyReused(Invalid):
    """An Idempotency-Key that came before with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"
    title = "The Idempotency-Key was used for another request"


def key_reused() -> KeyReused:
    """The refusal of a key that came before with another request."""
    return KeyReused(
        "This Idempotency-Key came before with another request: use a new key for a new request."
    )


class Conflict(JariError):
    """Valid, but not in the present state."""

    code = "CONFLICT"
    title = "Not possible now"


class SeatsTaken(Conflict):
    """At least one of the seats belongs to somebody else."""

    code = "SEATS_TAKEN"
    title = "Seats already taken"


class NotYourSeats(Conflict):
    """Seats that the buyer does not hold."""

    code = "NOT_YOUR_SEATS"
    title = "Not your seats"


class KeptTooLong(Conflict):
    """The buyer kept these seats too long without buying them: now others go first."""

    code = "KEPT_TOO_LONG"
    title = "You have kept these seats long enough"


class SaleNotOpen(Conflict):
    """The schedule is not on sale."""

    code = "SALE_NOT_OPEN"
    title = "The sale is not open"


class EmailTaken(Conflict):
    """There is an account with this e-mail address."""

    code = "EMAIL_TAKEN"
    title = "E-mail address already registered"


class StillRunning(Conflict):
    """The first request with this Idempotency-Key has not ended yet."""

    code = "IDEMPOTENT_REQUEST_IN_PROGRESS"
    title = "The same request is still running"


class PlanDropsSeats(Conflict):
    """A new plan of a venue would drop seats that somebody has."""

    code = "PLAN_DROPS_SEATS"
    title = "The plan drops seats that are held or sold"


class NothingHeld(Conflict):
    """A reservation without seats: the buyer holds none."""

    code = "NOTHING_HELD"
    title = "You hold no seats"


class ReservationClosed(Conflict):
    """The reservation is paid, cancelled or ended, and does not move any more."""

    code = "RESERVATION_CLOSED"
    title = "The reservation is closed"


class ReservationExpired(Conflict):
    """The time to pay is over, and the seats are gone."""

    code = "RESERVATION_EXPIRED"
    title = "The time to pay is over"


class AmountMismatch(Conflict):
    """The amount to be charged is not that of the reservation."""

    code = "AMOUNT_MISMATCH"
    title = "The amount is not that of the reservation"


class PaymentUnderWay(Conflict):
    """Nobody knows yet whether a payment's money moves; until then nothing else may happen to the reservation."""

    code = "PAYMENT_IN_PROGRESS"
    title = "A payment is under way"


class PaymentReturned(Conflict):
    """The gateway took money, but the seats were gone: all of the money goes back."""

    code = "PAYMENT_RETURNED"
    title = "The seats were gone, and the money goes back"


class NotRefundable(Conflict):
    """Seats that cannot be given back for money: too late, used, or refunded before."""

    code = "NOT_REFUNDABLE"
    title = "Not refundable"


class TicketUsed(Conflict):
    """Somebody has come in with this ticket."""

    code = "TICKET_USED"
    title = "The ticket was used before"


class TicketVoid(Conflict):
    """The ticket's seat was refunded."""

    code = "TICKET_VOID"
    title = "The ticket is void"


class WrongDoor(Conflict):
    """The ticket is good, but not for this schedule."""

    code = "WRONG_DOOR"
    title = "The ticket is for another schedule"


class StaleDecision(Conflict):
    """The store refused a write because a seat was no longer as the decision had read it."""

    code = "STALE_DECISION"
    title = "The seats changed meanwhile"


class Unauthenticated(JariError):
    """Nobody is logged in."""

    code = "UNAUTHENTICATED"
    title = "Log in first"


class WrongCredentials(JariError):
    """E-mail address or password is wrong; the answer does not say which."""

    code = "WRONG_CREDENTIALS"
    title = "E-mail address or password is wrong"


class Forbidden(JariError):
    """The request may not be made from there or by this user."""

    code = "FORBIDDEN"
    title = "Not allowed"


class TooManyAttempts(JariError):
    """A limit was reached; ``retry_after_seconds`` says when to come back."""

    code = "TOO_MANY_ATTEMPTS"
    title = "Too many attempts"


class PaymentRefused(JariError):
    """The gateway refused for good and took no money; ``gateway_code`` is its own word for why."""

    code = "PAYMENT_REFUSED"
    title = "The payment was refused"

    def __init__(self, detail: str, *, gateway_code: str = "", reservation_id: int = 0) -> None:
        super().__init__(detail)
        self.gateway_code = gateway_code
        self.reservation_id = reservation_id


class Unavailable(JariError):
    """The service cannot do this now. The detail says so if a change may have been made all the same."""

    code = "UNAVAILABLE"
    title = "Not available now"
