"""Signing up, logging in and out, and who is asking."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from jari.caches import Cache
from jari.domain.errors import EmailTaken, Unauthenticated, WrongCredentials, key_reused
from jari.domain.limits import Limit, LogInLimits
from jari.domain.permissions import Action, require
from jari.domain.users import Role, User, check_name, check_password, forms_of_email, normalise_email
from jari.ports.accounts import AccountStore, AttemptStore, Passwords
from jari.ports.answers import RequestKey
from jari.ports.news import News, NewsWire
from jari.ports.system import Chance, Clock
from jari.settings import AccountSettings
from jari.usecases.devices import Devices
from jari.usecases.limits import Limits
from jari.usecases.lookups import Lookup
from jari.usecases.tokens import new_token

log = structlog.get_logger()

TOKEN_BYTES = 24  # 192 random bits; ASVS 5.0, 7.2.3 asks for 128
OVERLAP_MS = 30_000  # each look for ended sessions reaches so far back, lest it miss those committed late


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A user, the token of their new session, and the mark by which the device is known from now on."""

    user: User
    token: str
    device: str


class Accounts:
    """Users and their sessions."""

    def __init__(
        self,
        store: AccountStore,
        attempts: AttemptStore,
        news: NewsWire,
        passwords: Passwords,
        devices: Devices,
        clock: Clock,
        chance: Chance,
        settings: AccountSettings,
    ) -> None:
        self._store = store
        self._news = news
        self._chance = chance
        self._limits = Limits(attempts, clock, settings)
        self._log_in_limits = LogInLimits(
            log_ins_per_address=settings.log_ins_per_address,
            log_in_attempts_per_address=settings.log_in_attempts_per_address,
            log_in_attempts_per_account=settings.log_in_attempts_per_account,
            log_in_attempts_per_account_anywhere=settings.log_in_attempts_per_account_anywhere,
            log_ins_per_device=settings.log_ins_per_device,
        )
        self._devices = devices
        self._passwords = passwords
        self._settings = settings
        self._sessions = SessionCache(store, clock, settings)

    async def sign_up(
        self,
        *,
        email: str,
        password: str,
        name: str,
        address: str = "",
        role: Role = Role.BUYER,
        key: str | None = None,
    ) -> User:
        """A new account. With a key, a repeated request gets the account that the first one made.

        Raises:
            Invalid, EmailTaken, TooManyAttempts, KeyReused.
        """
        email, name = normalise_email(email), check_name(name)
        check_password(password)
        # The fingerprint is a fast hash, so the password is no part of it. A repeated request's is verified instead.
        request = key and RequestKey("sign-up", key, hashlib.sha256(f"{email}\n{name}".encode()).hexdigest())
        if address:
            await self._limits.count(Limit(f"sign-up:{address}", self._settings.sign_ups_per_address))
        if request and (user := await self._same_sign_up(request, email, password)) is not None:
            return user
        try:
            return await self._store.add_user(
                email=email,
                name=name,
                password_hash=await self._passwords.hash(password),
                role=role,
                request=request or None,
            )
        except EmailTaken:
            # Perhaps the same request came twice at once, and the other one has made the account.
            if request and (user := await self._same_sign_up(request, email, password)) is not None:
                return user
            raise

    async def _same_sign_up(self, request: RequestKey, email: str, password: str) -> User | None:
        """The account that this very request has made before.

        Raises:
            KeyReused: the key came before with another request.
        """
        earlier = await self._store.sign_up_of(request)
        if earlier is None:
            return None
        credentials = await self._store.user_by_email(email)
        same = earlier.request.fingerprint == request.fingerprint
        if not same or credentials is None or not await self._passwords.verify(credentials[1], password):
            raise key_reused()
        return credentials[0]

    async def log_in(self, *, email: str, password: str, address: str, device: str | None = None) -> LoggedIn:
        """A new session. ``device`` is the mark that came with the request; the device is to keep the answer's.

        Raises:
            WrongCredentials, TooManyAttempts, Unavailable.
        """
        forms = forms_of_email(email)
        account = hashlib.sha256((forms[-1] if forms else email).encode()).hexdigest()
        limits = self._log_in_limits.of(account, address, self._devices.known(device, account))
        await self._limits.count(*limits)
        credentials = await self._credentials_of(forms)
        if not await self._passwords.verify(credentials and credentials[1], password) or credentials is None:
            raise WrongCredentials("E-mail address or password is wrong: check both and try again.")
        user, password_hash = credentials
        token = new_token(self._chance, TOKEN_BYTES)
        ended = await self._store.add_session(
            _hash(token),
            user.id,
            password_hash,
            lifetime_ms=self._settings.session_hours * 3_600_000,
            max_sessions=self._settings.sessions_per_user,
        )
        if ended is None:
            raise WrongCredentials("The password has just been changed: log in with the new one.")
        await self._ended(*ended)
        await self._limits.forgive(limits)
        return LoggedIn(user, token, self._devices.marked(device, account))

    async def _credentials_of(self, forms: Sequence[str]) -> tuple[User, str] | None:
        for form in forms:
            if (credentials := await self._store.user_by_email(form)) is not None:
                return credentials
        return None

    async def change_password(
        self, token: str | None, *, password: str, new_password: str, address: str
    ) -> int:
        """Give the account another password, end all its sessions but this one, and return how many ended.

        Raises:
            Unauthenticated, Forbidden, Invalid, WrongCredentials, TooManyAttempts, Unavailable.
        """
        user = await self.account(token)
        check_password(new_password)
        await self._limits.count(*self._log_in_limits.of_password(user.id, address))
        credentials = await self._store.user_by_email(user.email)
        if not await self._passwords.verify(credentials and credentials[1], password) or credentials is None:
            raise WrongCredentials("The present password is wrong, so it was not changed: try again.")
        ended = await self._store.change_password(
            user.id, credentials[1], await self._passwords.hash(new_password), _hash(token or "")
        )
        if ended is None:
            raise WrongCredentials("The password has just been changed elsewhere: log in with that one.")
        await self._ended(*ended)
        return len(ended)

    async def log_out_everywhere(self, token: str | None) -> int:
        """End all sessions of the user, this one among them, and return how many ended.

        Raises:
            Unauthenticated, Forbidden.
        """
        user = await self.account(token)
        ended = await self._store.end_sessions(user.id)
        await self._ended(*ended)
        return len(ended)

    async def log_out(self, token: str) -> None:
        """End the session: here at once, in other processes with the news of it, or with their next look."""
        token_hash = _hash(token)
        await self._store.end_session(token_hash)
        await self._ended(token_hash)

    def known(self, token: str | None) -> User | None:
        """Whose session this is, if that is remembered here: most requests need not wait for the answer."""
        return self._sessions.known(_hash(token)) if token else None

    async def user_of(self, token: str | None) -> User:
        """Whose session this is.

        Raises:
            Unauthenticated: it is nobody's, or has ended.
        """
        user = await self._sessions.user(_hash(token)) if token else None
        if user is None:
            raise Unauthenticated("You are not logged in, or your session has ended: log in and try again.")
        return user

    async def account(self, token: str | None) -> User:
        """The account whose session this is, to its owner.

        Raises:
            Unauthenticated, Forbidden.
        """
        user = await self.user_of(token)
        require(user, Action.MANAGE_ACCOUNT, user.id)
        return user

    def forget(self, *token_hashes: bytes) -> None:
        """Forget these sessions: another process tells that they have ended."""
        self._sessions.forget(*token_hashes)

    async def _ended(self, *token_hashes: bytes) -> None:
        """Forget these sessions here, and tell the other processes."""
        self._sessions.forget(*token_hashes)
        if token_hashes:
            await self._news.tell(News(ended_sessions=token_hashes))

    async def run(self) -> None:
        """Learn until cancelled which sessions were ended elsewhere."""
        await self._sessions.run()


class SessionCache:
    """Who is behind which session, remembered for a while.

    A flood brings thousands of sessions at once; those that are not remembered are looked up together. When another
    process ends a session, it is forgotten here when the news comes, or else with the next poll.
    """

    def __init__(self, store: AccountStore, clock: Clock, settings: AccountSettings) -> None:
        self._store = store
        self._settings = settings
        self._known: Cache[bytes, User] = Cache(
            settings.session_cache_size,
            fresh_seconds=settings.session_cache_seconds,
            clock=clock.seconds,
        )
        self._forgotten = 0
        self._lookup: Lookup[bytes, User] = Lookup(store.sessions, queue_size=settings.max_connections)

    def known(self, token_hash: bytes) -> User | None:
        """The session's user, if it is remembered."""
        return self._known.get(token_hash)

    async def user(self, token_hash: bytes) -> User | None:
        """The session's user."""
        if (known := self._known.get(token_hash)) is not None:
            return known
        forgotten = self._forgotten
        user = await self._lookup.get(token_hash)
        if user is not None and forgotten == self._forgotten:
            self._known.put(token_hash, user)
        return user

    def forget(self, *token_hashes: bytes) -> None:
        """Forget these sessions, so that the store is asked next. An answer that is on its way is not remembered."""
        for token_hash in token_hashes:
            self._known.pop(token_hash)
        self._forgotten += len(token_hashes)

    async def run(self) -> None:
        """Forget, until cancelled, the sessions that were ended in other processes."""
        while True:
            await asyncio.sleep(self._settings.poll_ms / 1000)
            try:
                self.forget(*await self._store.ended_sessions(OVERLAP_MS))
            except Exception:
                log.exception("session_poll_failed")
