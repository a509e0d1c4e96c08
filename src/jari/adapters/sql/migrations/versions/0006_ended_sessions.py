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

OLD = "ix_sessions_ended_ms"
NEW = "ix_sessions_have_ended"
HAS_ENDED = sa.text("ended_ms IS NOT NULL")


def upgrade() -> None:
    """Bring the schema to this revision. Sessions are read meanwhile: the old index goes last, for that locks readers out."""
    op.create_index(NEW, "sessions", ["ended_ms"], postgresql_where=HAS_ENDED, sqlite_where=HAS_ENDED)
    op.drop_index(op.f(OLD), table_name="sessions")


def downgrade() -> None:
    """Bring the schema back to the revision before."""
    op.create_index(op.f(OLD), "sessions", ["ended_ms"])
    op.drop_index(NEW, table_name="sessions")
