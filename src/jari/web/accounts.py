"""Signing up, logging in and out, and who am I."""

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from jari.domain.users import (
    MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    User,
)
from jari.settings import Settings
from jari.usecases.accounts import Accounts
from jari.web.requests import Body, Nothing, Reader, client_address, described, plain_key, route
from jari.web.responses import success

Email = Annotated[str, described(format="email", minLength=3, maxLength=MAX_EMAIL_LENGTH)]
NewPassword = Annotated[str, described(minLength=MIN_PASSWORD_LENGTH, maxLength=MAX_PASSWORD_LENGTH)]
Name = Annotated[
    str,
    described(minLength=1, maxLength=MAX_NAME_LENGTH, pattern=r"\S", description="printable characters"),
]


class SignUp(Body):
    """A new account."""

    email: Email
    password: NewPassword
    name: Name


class LogIn(Body):
    """Who claims to be whom."""

    email: str
    password: str


def user_json(user: User) -> dict[str, Any]:
    """A user as the API shows them to themselves."""
    return {"id": user.id, "email": user.email, "name": user.name, "role": user.role}


def routes(accounts: Accounts, reader: Reader, settings: Settings) -> list[BaseRoute]:
    """The account routes."""
    sign_up_decoder = msgspec.json.Decoder(SignUp)
    log_in_decoder = msgspec.json.Decoder(LogIn)
    nothing_decoder = msgspec.json.Decoder(Nothing)
    secure = settings.public_url.startswith("https:")

    async def sign_up(request: Request) -> Response:
        body, _ = await reader.body(request, sign_up_decoder)
        user = await accounts.sign_up(
            email=body.email,
            password=body.password,
            name=body.name,
            address=client_address(request),
            key=plain_key(request),
        )
        return success(user_json(user), 201)

    async def log_in(request: Request) -> Response:
        body, _ = await reader.body(request, log_in_decoder)
        entered = await accounts.log_in(
            email=body.email,
            password=body.password,
            address=client_address(request),
            device=reader.device(request),
        )
        if (old := reader.token(request)) is not None:
            await accounts.log_out(old)  # a session never outlives the log-in that follows it
        response = success(user_json(entered.user))
        for name, value, lifetime_seconds in (
            (reader.cookie_name, entered.token, settings.session_hours * 3_600),
            (reader.device_cookie_name, entered.device, settings.device_days * 24 * 3_600),
        ):
            response.set_cookie(
                name, value, max_age=lifetime_seconds, secure=secure, httponly=True, samesite="lax"
            )
        return response

    async def log_out(request: Request) -> Response:
        await reader.body(request, nothing_decoder)
        if (token := reader.token(request)) is not None:
            await accounts.log_out(token)
        response = success({})
        response.delete_cookie(reader.cookie_name, secure=secure, httponly=True, samesite="lax")
        return response

    async def me(request: Request) -> Response:
        return success(user_json(await reader.user(request)))

    return [
        route("/api/sign-up", settings, POST=sign_up),
        route("/api/log-in", settings, POST=log_in),
        route("/api/log-out", settings, POST=log_out),
        route("/api/me", settings, GET=me),
    ]
