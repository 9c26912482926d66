"""The best trade-offs of studies, kept as trials are completed; those of older studies are found at their next report."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("svge_studies", sa.Column("front_trials", sa.BigInteger()))
    op.create_table(
        "svge_fronts",
        sa.Column("trial_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", _KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Float(precision=53), nullable=False),
        sa.Column("second", sa.Float(precision=53), nullable=False),
        sa.Column("third", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["svge_trials.id"], name=op.f("fk_svge_fronts_trial_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["study_id"], ["svge_studies.id"], name=op.f("fk_svge_fronts_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", name=op.f("pk_svge_fronts")),
    )
    op.create_index(op.f("ix_svge_fronts_study_id_first"), "svge_fronts", ["study_id", "first"])


def downgrade() -> None:
    op.drop_table("svge_fronts")
    op.drop_column("svge_studies", "front_trials")
