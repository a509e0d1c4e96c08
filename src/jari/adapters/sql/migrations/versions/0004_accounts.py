"""accounts: every e-mail address in its normal form, as far as that is free."""

import sqlalchemy as sa
from alembic import op

from jari.domain.errors import Invalid
from jari.domain.users import normalise_email

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

USERS = sa.table("users", sa.column("id", sa.BigInteger), sa.column("email", sa.Text))


def upgrade() -> None:
    """Bring the addresses to the form that log-ins look for. An address that has no such form stays as typed.

    This uses the domain's present rule, not that of the day on which this was written: log-ins follow it.
    """
    connection = op.get_bind()
    users = {email: user_id for user_id, email in connection.execute(sa.select(USERS.c.id, USERS.c.email))}
    for email, user_id in sorted(users.items(), key=lambda user: user[1]):
        form = _normal_form(email)
        if form is not None and form not in users:
            connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(email=form))
            users[form] = users.pop(email)


def downgrade() -> None:
    """Leave the addresses: nobody knows the forms that they had, and the version before takes these, too."""


def _normal_form(email: str) -> str | None:
    try:
        return normalise_email(email)
    except Invalid:
        return None
