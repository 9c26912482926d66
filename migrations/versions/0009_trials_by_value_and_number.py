"""Trials of one value in order of their number: the number at the end of the index by value."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SHORT = "ix_svge_trials_study_id_state_value"
_LONG = "ix_svge_trials_study_id_state_value_number"


def upgrade() -> None:
    op.create_index(op.f(_LONG), "svge_trials", ["study_id", "state", "value", "number"])
    op.drop_index(op.f(_SHORT), "svge_trials")


def downgrade() -> None:
    op.create_index(op.f(_SHORT), "svge_trials", ["study_id", "state", "value"])
    op.drop_index(op.f(_LONG), "svge_trials")
