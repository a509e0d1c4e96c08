"""ended sessions: an index of those alone.

A good session has no end. Before PostgreSQL has statistics it thinks that few rows have none, and looked through all
of them for a handful of sessions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEX = "ix_sessions_ended_ms"
HAS_ENDED = sa.text("ended_ms IS NOT NULL")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.drop_index(op.f(INDEX), table_name="sessions")
    op.create_index(op.f(INDEX), "sessions", ["ended_ms"], postgresql_where=HAS_ENDED, sqlite_where=HAS_ENDED)


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    op.drop_index(op.f(INDEX), table_name="sessions")
    op.create_index(op.f(INDEX), "sessions", ["ended_ms"])
