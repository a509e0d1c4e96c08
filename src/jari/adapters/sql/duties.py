"""What the processes on one database agree on: which of them has a duty, and the secrets that all of them use."""

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite

from jari.adapters.sql.database import Database
from jari.adapters.sql.tables import leases, secrets


class SqlDutyStore:
    """See `jari.ports.DutyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def take_lease(self, name: str, holder: str, lease_ms: int) -> bool:
        """Take the duty for ``lease_ms`` by the store's clock; False if somebody else has it. 0 gives it back."""
        now_ms = select(self._database.now_ms).scalar_subquery()
        taken = self._insert(leases).values(name=name, holder=holder, expires_ms=now_ms + lease_ms)
        statement = taken.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": taken.excluded.holder, "expires_ms": taken.excluded.expires_ms},
            where=or_(leases.c.holder == holder, leases.c.expires_ms <= now_ms),
        ).returning(leases.c.holder)
        async with self._database.write() as connection:
            return (await connection.execute(statement)).scalar_one_or_none() is not None

    async def secret(self, name: str, fresh: bytes) -> bytes:
        """The secret of that name. If there is none, the fresh one becomes it."""
        insertion = self._insert(secrets).values(name=name, value=fresh).on_conflict_do_nothing()
        async with self._database.write() as connection:
            await connection.execute(insertion)
            return bytes(
                await connection.scalar(select(secrets.c.value).where(secrets.c.name == name)) or b""
            )
