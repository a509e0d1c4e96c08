"""Users and sessions in memory."""

from collections.abc import Callable, Mapping, Sequence

from jari.adapters.memory.seating import answers_to
from jari.adapters.memory.tables import Memory, SessionRecord, UserRecord
from jari.domain.errors import key_reused
from jari.domain.users import Role, User, email_taken
from jari.ports.answers import RequestKey, StoredAnswer


class MemoryAccountStore:
    """See `jari.ports.AccountStore`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def add_user(
        self,
        *,
        email: str,
        name: str,
        password_hash: str,
        role: Role,
        request: RequestKey | None,
    ) -> User:
        """The new user; the key is stored in the same transaction."""
        async with self._memory.write() as now_ms:
            if self._record_of(email) is not None:
                raise email_taken()
            if request is not None and request.name in self._memory.answers:
                raise key_reused()
            user = User(self._memory.take_numbers("user"), email, name, role)
            self._memory.users[user.id] = UserRecord(user, password_hash)
            if request is not None:
                self._memory.answers[request.name] = StoredAnswer(request, str(user.id)), now_ms
            return user

    async def user_by_email(self, email: str) -> tuple[User, str] | None:
        """The user with this address, and the hash of their password."""
        record = self._record_of(email)
        return None if record is None else (record.user, record.password_hash)

    async def sign_up_of(self, request: RequestKey) -> StoredAnswer | None:
        """The stored answer of an earlier sign-up under this key."""
        return next(iter(answers_to(self._memory, [request])), None)

    async def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_session: bytes
    ) -> Sequence[bytes] | None:
        """Change the hash; end all sessions but one, and return the ended ones. None if the hash is not ``old_hash`` any more."""
        async with self._memory.write() as now_ms:
            record = self._memory.users.get(user_id)
            if record is None or record.password_hash != old_hash:
                return None
            record.password_hash = new_hash
            return self._end(
                lambda token_hash, each: each.user_id == user_id and token_hash != kept_session, now_ms
            )

    async def add_session(
        self, token_hash: bytes, user_id: int, password_hash: str, *, lifetime_ms: int, max_sessions: int
    ) -> Sequence[bytes] | None:
        """Remember a session for ``lifetime_ms``, end the oldest beyond the limit, and return those that ended.

        None if ``password_hash``, by which the user was let in, is no longer the user's.
        """
        async with self._memory.write() as now_ms:
            record = self._memory.users.get(user_id)
            if record is None or record.password_hash != password_hash:
                return None
            theirs = [
                (each.expires_ms, other)
                for other, each in self._memory.sessions.items()
                if each.user_id == user_id and each.is_good(now_ms)
            ]
            self._memory.sessions[token_hash] = SessionRecord(user_id, now_ms + lifetime_ms)
            oldest_first = [other for _, other in sorted(theirs, key=lambda each: each[0])]
            too_many = oldest_first[: max(0, len(oldest_first) + 1 - max_sessions)]
            return self._end(lambda other, _: other in too_many, now_ms)

    async def sessions(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, User]:
        """Those of these sessions that are good, with their users."""
        now_ms, sessions = self._memory.now_ms(), self._memory.sessions
        return {
            token_hash: self._memory.users[sessions[token_hash].user_id].user
            for token_hash in token_hashes
            if token_hash in sessions and sessions[token_hash].is_good(now_ms)
        }

    async def end_session(self, token_hash: bytes) -> None:
        """End a session everywhere."""
        async with self._memory.write() as now_ms:
            self._end(lambda other, _: other == token_hash, now_ms)

    async def end_sessions(self, user_id: int) -> Sequence[bytes]:
        """End all sessions of a user everywhere, and return those that ended."""
        async with self._memory.write() as now_ms:
            return self._end(lambda _, each: each.user_id == user_id, now_ms)

    async def ended_sessions(self, within_ms: int) -> Sequence[bytes]:
        """The sessions that were ended in the last ``within_ms`` milliseconds."""
        since_ms = self._memory.now_ms() - within_ms
        sessions = self._memory.sessions.items()
        return [name for name, each in sessions if each.ended_ms is not None and each.ended_ms >= since_ms]

    async def forget_ended(self) -> None:
        """Delete sessions whose time is over."""
        async with self._memory.write() as now_ms:
            sessions = self._memory.sessions.items()
            self._memory.sessions = {name: each for name, each in sessions if each.expires_ms > now_ms}

    def _record_of(self, email: str) -> UserRecord | None:
        return next((each for each in self._memory.users.values() if each.user.email == email), None)

    def _end(self, are_meant: Callable[[bytes, SessionRecord], bool], now_ms: int) -> list[bytes]:
        sessions = self._memory.sessions.items()
        ending = [name for name, each in sessions if each.is_good(now_ms) and are_meant(name, each)]
        for token_hash in ending:
            self._memory.sessions[token_hash].ended_ms = now_ms
        return ending
