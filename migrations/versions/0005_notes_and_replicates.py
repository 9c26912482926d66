"""Notes and tags, replicates of a trial, and the order in which trials changed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ONCE = "uq_svge_trials_study_id_canonical_id"
_REPLICATES = "uq_svge_trials_study_id_canonical_id_replicate"
_CHANGES = "ix_svge_trials_study_id_change"
_TAGGED = "ix_svge_trials_study_id_number_tagged"


def upgrade() -> None:
    for table in ("svge_studies", "svge_trials"):
        op.add_column(table, sa.Column("note", sa.Text()))
        op.add_column(table, sa.Column("tags", sa.JSON(none_as_null=True)))
    op.add_column("svge_trials", sa.Column("replicate", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("svge_trials", sa.Column("change", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE svge_trials SET change = number")
    with op.batch_alter_table("svge_trials") as trials:
        trials.drop_constraint(_ONCE, type_="unique")
        trials.create_unique_constraint(_REPLICATES, ["study_id", "canonical_id", "replicate"])
        trials.alter_column("replicate", existing_type=sa.Integer(), existing_nullable=False, server_default=None)
        trials.alter_column("change", existing_type=sa.BigInteger(), existing_nullable=False, server_default=None)
    op.create_index(_CHANGES, "svge_trials", ["study_id", "change"])
    tagged = sa.text("tags IS NOT NULL")
    op.create_index(_TAGGED, "svge_trials", ["study_id", "number"], sqlite_where=tagged, postgresql_where=tagged)


def downgrade() -> None:
    op.drop_index(_TAGGED, "svge_trials")
    op.drop_index(_CHANGES, "svge_trials")
    replicates = "(SELECT id FROM svge_trials WHERE replicate > 0)"
    for table in ("svge_attempts", "svge_observations"):
        op.execute(f"DELETE FROM {table} WHERE trial_id IN {replicates}")
    op.execute("DELETE FROM svge_trials WHERE replicate > 0")
    with op.batch_alter_table("svge_trials") as trials:
        trials.drop_constraint(_REPLICATES, type_="unique")
        trials.create_unique_constraint(_ONCE, ["study_id", "canonical_id"])
        for name in ("change", "replicate", "tags", "note"):
            trials.drop_column(name)
    op.drop_column("svge_studies", "tags")
    op.drop_column("svge_studies", "note")
