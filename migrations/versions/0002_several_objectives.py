"""Several objectives and limits of a study, and the values of a trial and of a report by the name of their objective."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("svge_studies", "objectives"),
    ("svge_studies", "limits"),
    ("svge_trials", "values"),
    ("svge_observations", "values"),
)


def upgrade() -> None:
    for table, name in _COLUMNS:
        op.add_column(table, sa.Column(name, sa.JSON(none_as_null=True)))


def downgrade() -> None:
    for table, name in reversed(_COLUMNS):
        op.drop_column(table, name)
