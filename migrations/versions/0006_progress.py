"""Intermediate values of trials, the stopping rule of a study, and the step of an observation."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDICES = (["study_id", "step", "id"], ["study_id", "rung", "id"])


def upgrade() -> None:
    op.add_column("svge_studies", sa.Column("stopping", sa.JSON(none_as_null=True)))
    op.add_column("svge_observations", sa.Column("step", sa.Integer()))
    op.create_table(
        "svge_progress",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("study_id", _KEY, nullable=False),
        sa.Column("trial_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(53), nullable=False),
        sa.Column("best", sa.Float(53), nullable=False),
        sa.Column("rung", sa.Integer()),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["svge_studies.id"], name=op.f("fk_svge_progress_study_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["trial_id"], ["svge_trials.id"], name=op.f("fk_svge_progress_trial_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svge_progress")),
        sa.UniqueConstraint("trial_id", "attempt", "step", name=op.f("uq_svge_progress_trial_id_attempt_step")),
    )
    for columns in _INDICES:
        op.create_index(op.f(f"ix_svge_progress_{'_'.join(columns)}"), "svge_progress", columns)


def downgrade() -> None:
    op.drop_table("svge_progress")
    op.drop_column("svge_observations", "step")
    op.drop_column("svge_studies", "stopping")
