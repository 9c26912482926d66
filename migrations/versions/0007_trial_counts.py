"""How many trials of each study are in each state, counted once here and kept from then on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "svge_trial_counts",
        sa.Column("study_id", _KEY, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["svge_studies.id"], name=op.f("fk_svge_trial_counts_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "state", name=op.f("pk_svge_trial_counts")),
    )
    op.execute(
        "INSERT INTO svge_trial_counts (study_id, state, count) "
        "SELECT study_id, state, COUNT(*) FROM svge_trials GROUP BY study_id, state"
    )


def downgrade() -> None:
    op.drop_table("svge_trial_counts")
