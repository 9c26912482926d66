"""The first tables: studies, trials, their attempts and observations, and answers kept for replay."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_studies()
    _create_trials()
    _create_attempts()
    _create_observations()
    _create_replays()


def downgrade() -> None:
    op.drop_table("svge_replays")
    op.drop_table("svge_observations")
    op.drop_table("svge_attempts")
    op.drop_table("svge_trials")
    op.drop_table("svge_studies")


def _create_studies() -> None:
    op.create_table(
        "svge_studies",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("space", sa.String(length=100), nullable=False),
        sa.Column("objective", sa.String(length=10), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.String(length=20), nullable=False),
        sa.Column("initial_size", sa.Integer(), nullable=False),
        sa.Column("max_trials", sa.BigInteger()),
        sa.Column("lease_seconds", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("trials_created", sa.BigInteger(), nullable=False),
        sa.Column("hyperparameters", sa.JSON(none_as_null=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svge_studies")),
        sa.UniqueConstraint("name", name=op.f("uq_svge_studies_name")),
    )


def _create_trials() -> None:
    op.create_table(
        "svge_trials",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", _KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200)),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True)),
        sa.Column("architecture", sa.Text(), nullable=False),
        sa.Column("canonical_id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("latent", sa.JSON(none_as_null=True)),
        sa.Column("predicted_mean", sa.Float(precision=53)),
        sa.Column("predicted_std", sa.Float(precision=53)),
        sa.Column("acquisition_value", sa.Float(precision=53)),
        sa.Column("observations_seen", sa.BigInteger(), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Float(precision=53)),
        sa.Column("std", sa.Float(precision=53)),
        sa.Column("reason", sa.Text()),
        sa.Column("finished_attempt", sa.Integer()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["study_id"], ["svge_studies.id"], name=op.f("fk_svge_trials_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svge_trials")),
        sa.UniqueConstraint("study_id", "canonical_id", name=op.f("uq_svge_trials_study_id_canonical_id")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_svge_trials_study_id_number")),
    )
    op.create_index(op.f("ix_svge_trials_state_lease_expires_at"), "svge_trials", ["state", "lease_expires_at"])
    op.create_index(op.f("ix_svge_trials_study_id_state_number"), "svge_trials", ["study_id", "state", "number"])
    op.create_index(op.f("ix_svge_trials_study_id_state_value"), "svge_trials", ["study_id", "state", "value"])
    op.create_index(op.f("ix_svge_trials_study_id_worker_state"), "svge_trials", ["study_id", "worker", "state"])


def _create_attempts() -> None:
    op.create_table(
        "svge_attempts",
        sa.Column("trial_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(length=12)),
        sa.ForeignKeyConstraint(["trial_id"], ["svge_trials.id"], name=op.f("fk_svge_attempts_trial_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "attempt", name=op.f("pk_svge_attempts")),
    )


def _create_observations() -> None:
    op.create_table(
        "svge_observations",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("trial_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Float(precision=53)),
        sa.Column("std", sa.Float(precision=53)),
        sa.Column("reason", sa.Text()),
        sa.Column("metrics", sa.JSON(none_as_null=True)),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["svge_trials.id"], name=op.f("fk_svge_observations_trial_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_svge_observations")),
        sa.UniqueConstraint("trial_id", "attempt", "fingerprint", name=op.f("uq_svge_observations_trial_id_attempt_fingerprint")),
    )


def _create_replays() -> None:
    op.create_table(
        "svge_replays",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_svge_replays")),
    )
    op.create_index(op.f("ix_svge_replays_created_at"), "svge_replays", ["created_at"])
