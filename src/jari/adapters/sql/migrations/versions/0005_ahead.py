"""ahead: the schedules of which Redis may know more than this database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "ahead",
        sa.Column("schedule_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("schedule_id", name=op.f("pk_ahead")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("ahead")
