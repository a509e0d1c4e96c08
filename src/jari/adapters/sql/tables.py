"""The schema, for SQLite and PostgreSQL alike. Migrations make it; a test holds the two together.

Times are milliseconds since 1970 (UTC) in BIGINT columns: both databases compare and index them alike. A seat
of a schedule has at most one row in ``allocations``: its primary key is the last word on who has the seat.
Triggers make sure that the seat exists (migration 0003): a foreign key would lock each seat's row for every hold.
The tables of reservations refer to others without foreign keys, for the rows that they name are never deleted.
``former_seats`` keeps the ids of seats that a plan has dropped, for the plan that has them again;
``sqlite_autoincrement`` keeps SQLite from giving such an id to a new seat.

``changes`` is the log of what was committed: ``body`` for viewers, ``events`` for those outside. It is the
outbox, too: a relay remembers in ``relays`` up to which version it has passed a schedule's log on. ``ahead`` has the
schedules of which Redis may know more than the database, where holds are decided there.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only if the key is an INTEGER. An INTEGER has 64 bits there, too.
Id = BigInteger().with_variant(Integer, "sqlite")

venues = Table(
    "venues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("currency", String(3), nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("shapes", Text, nullable=False),
    Column("seat_count", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    sqlite_autoincrement=True,
)

grades = Table(
    "grades",
    metadata,
    Column("venue_id", Id, ForeignKey("venues.id"), primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("color", String(7), nullable=False),
    Column("price", BigInteger, nullable=False),
)

sections = Table(
    "sections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("venue_id", Id, ForeignKey("venues.id"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("grade", Text, nullable=False),
    sqlite_autoincrement=True,
)

blocks = Table(
    "blocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("venue_id", Id, ForeignKey("venues.id"), nullable=False),
    Column("section_id", Id, ForeignKey("sections.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("venue_id", "name"),
    sqlite_autoincrement=True,
)

seats = Table(
    "seats",
    metadata,
    Column("id", Id, primary_key=True),
    Column("venue_id", Id, ForeignKey("venues.id"), nullable=False),
    Column("block_id", Id, ForeignKey("blocks.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("guid", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("row_label", Text, nullable=False),
    Column("seat_label", Text, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("grade", Text, nullable=False),
    Column("accessible", Boolean, nullable=False),
    Column("companion", Boolean, nullable=False),
    Column("restricted_view", Boolean, nullable=False),
    Column("aisle", Boolean, nullable=False),
    UniqueConstraint("venue_id", "guid"),
    UniqueConstraint("venue_id", "row", "col"),
    sqlite_autoincrement=True,
)

former_seats = Table(
    "former_seats",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("venue_id", Id, ForeignKey("venues.id"), nullable=False, index=True),
    Column("guid", Text, nullable=False),
    Column("block", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("row_label", Text, nullable=False),
    Column("seat_label", Text, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("venue_id", Id, ForeignKey("venues.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("opens_ms", BigInteger, nullable=False),
    Column("epoch", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("layout_revision", Integer, nullable=False),
    Index(None, "starts_ms", "id"),
    sqlite_autoincrement=True,
)

allocations = Table(
    "allocations",
    metadata,
    Column("schedule_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", SmallInteger, nullable=False),
    Column("buyer_id", BigInteger, nullable=False),
    Column("hold_id", String(32), nullable=False),
    Column("expires_ms", BigInteger),
    Column("since_ms", BigInteger, nullable=False, server_default="0"),
    Index(None, "schedule_id", "buyer_id"),
    Index(None, "expires_ms"),
)

tenures = Table(
    "tenures",
    metadata,
    Column("schedule_id", BigInteger, primary_key=True, autoincrement=False),
    Column("buyer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=False, index=True),
)

changes = Table(
    "changes",
    metadata,
    Column("schedule_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("committed_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("events", Text, nullable=False, server_default="[]"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("schedule_id", BigInteger, nullable=False),
    Column("buyer_id", BigInteger, nullable=False),
    Column("hold_id", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("order_id", String(64), nullable=False, unique=True),
    Column("order_name", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index(None, "schedule_id", "buyer_id"),
    Index(None, "schedule_id", "created_ms", "id"),
    Index(None, "buyer_id", "created_ms", "id"),
    Index(None, "status", "expires_ms"),
)

reservation_seats = Table(
    "reservation_seats",
    metadata,
    Column("reservation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("section", Text, nullable=False),
    Column("block", Text, nullable=False),
    Column("row_label", Text, nullable=False),
    Column("seat_label", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("refund_id", BigInteger),
    Column("checked_in_ms", BigInteger),
)

payments = Table(
    "payments",
    metadata,
    Column("reservation_id", BigInteger, nullable=False, index=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("gateway", String(16), nullable=False),
    Column("payment_key", String(200), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("charged", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index(None, "status", "next_try_ms"),
    # Whatever the code does, the money of one payment key moves for one reservation …
    Index(
        "uq_payments_one_reservation_for_each_key",
        "payment_key",
        unique=True,
        sqlite_where=text("status IN ('CONFIRMING', 'DONE')"),
        postgresql_where=text("status IN ('CONFIRMING', 'DONE')"),
    ),
    # … and one payment at most pays a reservation, or has paid it.
    Index(
        "uq_payments_one_for_each_reservation",
        "reservation_id",
        unique=True,
        sqlite_where=text("status IN ('CONFIRMING', 'DONE')"),
        postgresql_where=text("status IN ('CONFIRMING', 'DONE')"),
    ),
)

refunds = Table(
    "refunds",
    metadata,
    Column("reservation_id", BigInteger, nullable=False, index=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("payment_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("seat_ids", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("requested_ms", BigInteger, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index(None, "status", "next_try_ms"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

relays = Table(
    "relays",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("schedule_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

ahead = Table(
    "ahead",
    metadata,
    Column("schedule_id", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", String(32), nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhooks.id"), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(8), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("webhook_id", "event_id"),
    Index(None, "status", "next_try_ms"),
    Index(None, "webhook_id", "status", "next_try_ms"),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("ended_ms", BigInteger),
)
# Only those that have ended: else PostgreSQL, before it has statistics, looks for good sessions through this index.
Index(
    "ix_sessions_have_ended",
    sessions.c.ended_ms,
    postgresql_where=sessions.c.ended_ms.is_not(None),
    sqlite_where=sessions.c.ended_ms.is_not(None),
)

attempts = Table(
    "attempts",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("window_ends_ms", BigInteger, nullable=False, index=True),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False, index=True),
)
