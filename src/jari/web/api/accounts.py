"""Signing up, logging in and out, and who am I."""

from typing import Annotated

from jari.domain.errors import EmailTaken, WrongCredentials
from jari.domain.permissions import Action
from jari.domain.users import (
    MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    User,
)
from jari.web.api.calls import Call
from jari.web.api.endpoints import Answered, Endpoint, Limit
from jari.web.api.shapes import Answer, Body, Count, Done, Id, Nothing, described
from jari.web.services import Services

Email = Annotated[str, described(format="email", minLength=3, maxLength=MAX_EMAIL_LENGTH)]
NewPassword = Annotated[str, described(minLength=MIN_PASSWORD_LENGTH, maxLength=MAX_PASSWORD_LENGTH)]
Name = Annotated[
    str,
    described(minLength=1, maxLength=MAX_NAME_LENGTH, pattern=r"\S", description="printable characters"),
]


class SignUp(Body, frozen=True):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class LogIn(Body, frozen=True):
    """Who claims to be whom."""

    email: str
    password: str


class ChangePassword(Body, frozen=True):
    """Another password; whoever asks must know the present one."""

    password: str
    new_password: NewPassword


class Me(Answer, frozen=True):
    """A user as they are shown to themselves."""

    id: Id
    email: str
    name: str
    role: str


class EndedSessions(Answer, frozen=True):
    """How many sessions were ended."""

    ended_sessions: Count


async def sign_up(services: Services, call: Call[None, SignUp]) -> Me:
    """Make an account."""
    body = call.body
    user = await services.accounts.sign_up(
        email=body.email, password=body.password, name=body.name, address=call.address, key=call.key()
    )
    return _me(user)


async def log_in(services: Services, call: Call[None, LogIn]) -> Answered[Me]:
    """Log in; sets the session cookie, and marks the device as known."""
    accounts, cookies = services.accounts, services.cookies
    entered = await accounts.log_in(
        email=call.body.email,
        password=call.body.password,
        address=call.address,
        device=cookies.device(call.headers.get(b"cookie")),
    )
    if (old := cookies.session(call.headers.get(b"cookie"))) is not None:
        await accounts.log_out(old)  # a session never outlives the log-in that follows it
    return Answered(_me(entered.user), headers=cookies.entering(entered.token, entered.device))


async def log_out(services: Services, call: Call[None, Nothing]) -> Answered[Done]:
    """End the session; send {}."""
    if (token := services.cookies.session(call.headers.get(b"cookie"))) is not None:
        await services.accounts.log_out(token)
    return Answered(Done(), headers=services.cookies.leaving())


async def log_out_everywhere(services: Services, call: Call[None, Nothing]) -> Answered[EndedSessions]:
    """End all sessions of mine; send {}."""
    ended = await services.accounts.log_out_everywhere(services.cookies.session(call.headers.get(b"cookie")))
    return Answered(EndedSessions(ended), headers=services.cookies.leaving())


async def change_password(services: Services, call: Call[None, ChangePassword]) -> EndedSessions:
    """Change my password; ends all other sessions of mine."""
    ended = await services.accounts.change_password(
        services.cookies.session(call.headers.get(b"cookie")),
        password=call.body.password,
        new_password=call.body.new_password,
        address=call.address,
    )
    return EndedSessions(ended)


async def me(_: Services, call: Call[None, None]) -> Me:
    """Who am I."""
    return _me(call.user)


def _me(user: User) -> Me:
    return Me(user.id, user.email, user.name, user.role)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/sign-up",
        sign_up,
        Action.ENTER,
        body=SignUp,
        answer=Me,
        status=201,
        refusals=(EmailTaken,),
        takes_key=True,
        limit=Limit.SIGN_UPS,
    ),
    Endpoint(
        "POST",
        "/api/log-in",
        log_in,
        Action.ENTER,
        body=LogIn,
        answer=Me,
        refusals=(WrongCredentials,),
        limit=Limit.LOG_INS,
    ),
    Endpoint("POST", "/api/log-out", log_out, Action.ENTER, body=Nothing, answer=Done),
    Endpoint(
        "POST",
        "/api/log-out-everywhere",
        log_out_everywhere,
        Action.MANAGE_ACCOUNT,
        body=Nothing,
        answer=EndedSessions,
    ),
    Endpoint(
        "POST",
        "/api/password",
        change_password,
        Action.MANAGE_ACCOUNT,
        body=ChangePassword,
        answer=EndedSessions,
        refusals=(WrongCredentials,),
        limit=Limit.LOG_INS,
    ),
    Endpoint("GET", "/api/me", me, Action.MANAGE_ACCOUNT, answer=Me),
)
