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
from jari.web.api.requests import Body, Nothing, Reader, client_address, described, plain_key, route
from jari.web.api.responses import success

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


class ChangePassword(Body):
    """Another password; whoever asks must know the present one."""

    password: str
    new_password: NewPassword


def user_json(user: User) -> dict[str, Any]:
    """A user as the API shows them to themselves."""
    return {"id": user.id, "email": user.email, "name": user.name, "role": user.role}


class Handlers:
    """The endpoints of accounts."""

    def __init__(self, accounts: Accounts, reader: Reader, settings: Settings) -> None:
        self._accounts = accounts
        self._reader = reader
        self._lifetimes_seconds = (
            (reader.cookie_name, settings.session_hours * 3_600),
            (reader.device_cookie_name, settings.device_days * 24 * 3_600),
        )
        self._secure = settings.public_url.startswith("https:")
        self._sign_up_decoder = msgspec.json.Decoder(SignUp)
        self._log_in_decoder = msgspec.json.Decoder(LogIn)
        self._nothing_decoder = msgspec.json.Decoder(Nothing)
        self._password_decoder = msgspec.json.Decoder(ChangePassword)

    async def sign_up(self, request: Request) -> Response:
        """Make an account."""
        body, _ = await self._reader.body(request, self._sign_up_decoder)
        user = await self._accounts.sign_up(
            email=body.email,
            password=body.password,
            name=body.name,
            address=client_address(request),
            key=plain_key(request),
        )
        return success(user_json(user), 201)

    async def log_in(self, request: Request) -> Response:
        """Begin a session, and mark the device as known."""
        body, _ = await self._reader.body(request, self._log_in_decoder)
        entered = await self._accounts.log_in(
            email=body.email,
            password=body.password,
            address=client_address(request),
            device=self._reader.device(request),
        )
        if (old := self._reader.token(request)) is not None:
            await self._accounts.log_out(old)  # a session never outlives the log-in that follows it
        response = success(user_json(entered.user))
        values = (entered.token, entered.device)
        for (name, lifetime_seconds), value in zip(self._lifetimes_seconds, values, strict=True):
            response.set_cookie(
                name, value, max_age=lifetime_seconds, secure=self._secure, httponly=True, samesite="lax"
            )
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        await self._reader.body(request, self._nothing_decoder)
        if (token := self._reader.token(request)) is not None:
            await self._accounts.log_out(token)
        return self._without_session(success({}))

    async def log_out_everywhere(self, request: Request) -> Response:
        """End all sessions of the user."""
        await self._reader.body(request, self._nothing_decoder)
        ended = await self._accounts.log_out_everywhere(self._reader.token(request))
        return self._without_session(success({"endedSessions": ended}))

    async def change_password(self, request: Request) -> Response:
        """Change the password, and end all other sessions."""
        body, _ = await self._reader.body(request, self._password_decoder)
        ended = await self._accounts.change_password(
            self._reader.token(request),
            password=body.password,
            new_password=body.new_password,
            address=client_address(request),
        )
        return success({"endedSessions": ended})

    async def me(self, request: Request) -> Response:
        """Say who is asking."""
        return success(user_json(await self._accounts.account(self._reader.token(request))))

    def _without_session(self, response: Response) -> Response:
        response.delete_cookie(self._reader.cookie_name, secure=self._secure, httponly=True, samesite="lax")
        return response


def routes(accounts: Accounts, reader: Reader, settings: Settings) -> list[BaseRoute]:
    """The account routes."""
    handlers = Handlers(accounts, reader, settings)
    return [
        route("/api/sign-up", settings, POST=handlers.sign_up),
        route("/api/log-in", settings, POST=handlers.log_in),
        route("/api/log-out", settings, POST=handlers.log_out),
        route("/api/log-out-everywhere", settings, POST=handlers.log_out_everywhere),
        route("/api/password", settings, POST=handlers.change_password),
        route("/api/me", settings, GET=handlers.me),
    ]
