"""seats for good: dropped seats keep their ids, no allocation is without a seat of its schedule's venue; tenures.

Triggers enforce that on every path. On PostgreSQL they look once for each statement, however many seats it has: 3 µs
for a hold of three, where a foreign key takes 11. The writers of one schedule take turns by its version, and whoever
imports a plan takes the versions of all the venue's schedules: so neither trigger can miss what the other lets
through.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

POSTGRES_GUARDS = (
    """
    CREATE FUNCTION require_seats() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM fresh JOIN schedules ON schedules.id = fresh.schedule_id
            LEFT JOIN seats ON seats.id = fresh.seat_id
            WHERE seats.venue_id IS DISTINCT FROM schedules.venue_id
        ) THEN
            RAISE EXCEPTION 'the venue of the schedule has no such seat' USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER require_seats AFTER INSERT ON allocations REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION require_seats()
    """,
    """
    CREATE FUNCTION require_unallocated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM gone JOIN schedules ON schedules.venue_id = gone.venue_id
            JOIN allocations ON allocations.schedule_id = schedules.id AND allocations.seat_id = gone.id
        ) THEN
            RAISE EXCEPTION 'somebody has this seat' USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER require_unallocated AFTER DELETE ON seats REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION require_unallocated()
    """,
)

SQLITE_GUARDS = (
    """
    CREATE TRIGGER require_seats BEFORE INSERT ON allocations
    WHEN NOT EXISTS (
        SELECT 1 FROM seats JOIN schedules ON schedules.venue_id = seats.venue_id
        WHERE seats.id = NEW.seat_id AND schedules.id = NEW.schedule_id
    )
    BEGIN SELECT RAISE(ABORT, 'the venue of the schedule has no such seat'); END
    """,
    """
    CREATE TRIGGER require_unallocated BEFORE DELETE ON seats
    WHEN EXISTS (
        SELECT 1 FROM schedules
        JOIN allocations ON allocations.schedule_id = schedules.id AND allocations.seat_id = OLD.id
        WHERE schedules.venue_id = OLD.venue_id
    )
    BEGIN SELECT RAISE(ABORT, 'somebody has this seat'); END
    """,
)

POSTGRES_UNGUARDED = (
    "DROP TRIGGER require_seats ON allocations",
    "DROP TRIGGER require_unallocated ON seats",
    "DROP FUNCTION require_seats()",
    "DROP FUNCTION require_unallocated()",
)
SQLITE_UNGUARDED = ("DROP TRIGGER require_seats", "DROP TRIGGER require_unallocated")

SQLITE_SINCE = """
UPDATE allocations
SET since_ms = coalesce(expires_ms - 300000, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
WHERE status = 1
"""
POSTGRES_SINCE = """
UPDATE allocations
SET since_ms = coalesce(expires_ms - 300000, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))
WHERE status = 1
"""


def upgrade() -> None:
    """Bring the schema to this revision.

    If an allocation's seat is gone already, it stays, for its buyer may have paid. It shows in the figures
    (``jari_seat_faults``), and its id sells the place to nobody.
    """
    op.create_table(
        "former_seats",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("venue_id", ID, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("col", sa.Integer(), nullable=False),
        sa.Column("row_label", sa.Text(), nullable=False),
        sa.Column("seat_label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_former_seats_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_seats")),
    )
    op.create_index(op.f("ix_former_seats_venue_id"), "former_seats", ["venue_id"], unique=False)
    op.create_table(
        "tenures",
        sa.Column("schedule_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("schedule_id", "buyer_id", "seat_id", name=op.f("pk_tenures")),
    )
    op.create_index(op.f("ix_tenures_ended_ms"), "tenures", ["ended_ms"], unique=False)
    since = sa.Column("since_ms", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("allocations", since)
    # The tenure of an open hold began with the hold, some minutes before its end. A hold that is being paid for has
    # lost its end: its tenure begins now.
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(SQLITE_SINCE if sqlite else POSTGRES_SINCE)
    for statement in SQLITE_GUARDS if sqlite else POSTGRES_GUARDS:
        op.execute(statement)


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_UNGUARDED if sqlite else POSTGRES_UNGUARDED:
        op.execute(statement)
    op.drop_column("allocations", "since_ms")
    op.drop_index(op.f("ix_tenures_ended_ms"), table_name="tenures")
    op.drop_table("tenures")
    op.drop_index(op.f("ix_former_seats_venue_id"), table_name="former_seats")
    op.drop_table("former_seats")
