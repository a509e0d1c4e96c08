"""sales: reservations, payments, refunds, tickets; the outbox; leases."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "payments",
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("payment_key", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_try_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payments_reservation_id"), ["reservation_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_payments_status_next_try_ms"), ["status", "next_try_ms"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_payments_payment_key"), ["payment_key"], unique=False)
        batch_op.create_index(
            "uq_payments_one_reservation_for_each_key",
            ["payment_key"],
            unique=True,
            sqlite_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
            postgresql_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
        )
        batch_op.create_index(
            "uq_payments_one_for_each_reservation",
            ["reservation_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
            postgresql_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
        )

    op.create_table(
        "refunds",
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("seat_ids", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("requested_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_try_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refunds_reservation_id"), ["reservation_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_refunds_status_next_try_ms"), ["status", "next_try_ms"], unique=False
        )

    op.create_table(
        "relays",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "schedule_id", name=op.f("pk_relays")),
    )
    op.create_table(
        "reservation_seats",
        sa.Column("reservation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("col", sa.Integer(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("row_label", sa.Text(), nullable=False),
        sa.Column("seat_label", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("checked_in_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("reservation_id", "seat_id", name=op.f("pk_reservation_seats")),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("order_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("order_id", name=op.f("uq_reservations_order_id")),
    )
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reservations_buyer_id_created_ms_id"),
            ["buyer_id", "created_ms", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_reservations_schedule_id_created_ms_id"),
            ["schedule_id", "created_ms", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_reservations_schedule_id_buyer_id"), ["schedule_id", "buyer_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_reservations_status_expires_ms"), ["status", "expires_ms"], unique=False
        )

    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_try_ms", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_deliveries_webhook_id_event_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deliveries_status_next_try_ms"), ["status", "next_try_ms"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_webhook_id_status_next_try_ms"),
            ["webhook_id", "status", "next_try_ms"],
            unique=False,
        )

    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("events", sa.Text(), server_default="[]", nullable=False))

    # ids of what is sold come from here; see jari.usecases.numbers
    op.execute("INSERT INTO counters (name, next) VALUES ('sales', 1)")
    # The answers of before this revision do not say all that they say now.
    op.execute("DELETE FROM idempotency_keys WHERE scope <> 'sign-up'")


def downgrade() -> None:
    """Take this revision back."""
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.drop_column("events")

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_webhook_id_status_next_try_ms"))
        batch_op.drop_index(batch_op.f("ix_deliveries_status_next_try_ms"))

    op.drop_table("deliveries")
    op.drop_table("webhooks")
    op.drop_table("secrets")
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reservations_status_expires_ms"))
        batch_op.drop_index(batch_op.f("ix_reservations_schedule_id_buyer_id"))
        batch_op.drop_index(batch_op.f("ix_reservations_schedule_id_created_ms_id"))
        batch_op.drop_index(batch_op.f("ix_reservations_buyer_id_created_ms_id"))

    op.drop_table("reservations")
    op.drop_table("reservation_seats")
    op.drop_table("relays")
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refunds_status_next_try_ms"))
        batch_op.drop_index(batch_op.f("ix_refunds_reservation_id"))

    op.drop_table("refunds")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_payments_one_reservation_for_each_key",
            sqlite_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
            postgresql_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
        )
        batch_op.drop_index(batch_op.f("ix_payments_payment_key"))
        batch_op.drop_index(
            "uq_payments_one_for_each_reservation",
            sqlite_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
            postgresql_where=sa.text("status IN ('CONFIRMING', 'DONE')"),
        )
        batch_op.drop_index(batch_op.f("ix_payments_status_next_try_ms"))
        batch_op.drop_index(batch_op.f("ix_payments_reservation_id"))

    op.drop_table("payments")
    op.drop_table("leases")
    op.drop_table("counters")
