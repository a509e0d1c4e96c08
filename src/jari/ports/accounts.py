"""Users, their sessions and passwords, and what they attempt."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jari.domain.users import Role, User
from jari.ports.answers import RequestKey, StoredAnswer


class AccountStore(Protocol):
    """Users and sessions. The store's clock decides every time: those of the processes may differ."""

    async def add_user(
        self,
        *,
        email: str,
        name: str,
        password_hash: str,
        role: Role,
        request: RequestKey | None,
    ) -> User:
        """The new user; the key is stored in the same transaction. Raises EmailTaken."""

    async def user_by_email(self, email: str) -> tuple[User, str] | None:
        """The user with this address, and the hash of their password."""

    async def sign_up_of(self, request: RequestKey) -> StoredAnswer | None:
        """The stored answer of an earlier sign-up under this key."""

    async def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_session: bytes
    ) -> Sequence[bytes] | None:
        """Change the hash; end all sessions but one, and return the ended ones. None if the hash is not ``old_hash`` any more."""

    async def add_session(
        self, token_hash: bytes, user_id: int, password_hash: str, *, lifetime_ms: int, max_sessions: int
    ) -> Sequence[bytes] | None:
        """Remember a session for ``lifetime_ms``, end the oldest beyond the limit, and return those that ended.

        None if ``password_hash``, by which the user was let in, is no longer the user's.
        """

    async def sessions(self, token_hashes: Sequence[bytes]) -> Mapping[bytes, User]:
        """Those of these sessions that are good, with their users."""

    async def end_session(self, token_hash: bytes) -> None:
        """End a session everywhere."""

    async def end_sessions(self, user_id: int) -> Sequence[bytes]:
        """End all sessions of a user everywhere, and return those that ended."""

    async def ended_sessions(self, within_ms: int) -> Sequence[bytes]:
        """The sessions that were ended in the last ``within_ms`` milliseconds."""

    async def forget_ended(self) -> None:
        """Delete sessions and windows of attempts whose time is over."""


class Passwords(Protocol):
    """Hashes passwords so that guessing is dear, off the event loop. Raises Unavailable when too many wait."""

    async def hash(self, password: str) -> str:
        """The hash to store."""

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password fits the hash. Without a hash the answer is False, and takes as long."""


class AttemptStore(Protocol):
    """Counts attempts: in memory where there is only one process, else in the database, by its clock."""

    async def count_attempt(self, bucket: str, window_ms: int) -> tuple[int, int]:
        """Count one attempt in the bucket's window: how many there are now, and in how many ms the window ends."""

    async def attempts_counted(self, bucket: str) -> int:
        """How many attempts there are in the bucket's window."""

    async def forgive_attempt(self, bucket: str) -> None:
        """Take one attempt back."""
