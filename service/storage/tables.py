"""The tables. Their names start with `svge_`, because databases are shared with other programs; `migrations/` creates them."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
    func,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "svge_schema_version"
TABLE_PREFIX = "svge_"

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, aware and in UTC on the Python side on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Json = JSON(none_as_null=True)
_TAGGED = text("tags IS NOT NULL")
_Key = BigInteger().with_variant(Integer(), "sqlite")


def storable(value: str) -> bool:
    """Whether a text can be in a database at all: PostgreSQL refuses to look for one with a NUL."""
    return "\x00" not in value


def tagged(column: InstrumentedAttribute[Any], tag: str) -> ColumnElement[bool]:
    """Whether a column of tags holds this one. A tag has no character that JSON writes in another way. Unlike LIKE, REPLACE minds
    upper and lower case on every database.
    """
    stored = sql_cast(column, Text)
    return and_(column.is_not(None), func.replace(stored, f'"{tag}"', "") != stored)


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMES)


def plain(table: type[Table]) -> SqlTable:
    """The table without what the ORM does for each row, for statements of many rows."""
    return cast(SqlTable, table.__table__)


class StudyRow(Table):
    """`objectives` are pairs of a name and a direction, in order, where they have names; `limits` the most costs by name;
    `stopping` is a stopping rule with its parameters; `front_trials` are the completed trials that the front accounts for.
    """

    __tablename__ = "svge_studies"

    id: Mapped[int] = mapped_column(_Key, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    space: Mapped[str] = mapped_column(String(100))
    objective: Mapped[str] = mapped_column(String(10))
    seed: Mapped[int] = mapped_column(BigInteger)
    strategy: Mapped[str] = mapped_column(String(20))
    initial_size: Mapped[int] = mapped_column(Integer)
    max_trials: Mapped[int | None] = mapped_column(BigInteger)
    lease_seconds: Mapped[int] = mapped_column(Integer)
    max_attempts: Mapped[int] = mapped_column(Integer)
    model_hash: Mapped[str] = mapped_column(String(64))
    objectives: Mapped[Any | None] = mapped_column(_Json)
    limits: Mapped[Any | None] = mapped_column(_Json)
    stopping: Mapped[Any | None] = mapped_column(_Json)
    trials_created: Mapped[int] = mapped_column(BigInteger, default=0)
    hyperparameters: Mapped[Any | None] = mapped_column(_Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[Any | None] = mapped_column(_Json)
    front_trials: Mapped[int | None] = mapped_column(BigInteger)


class TrialRow(Table):
    """`architecture` is the compact JSON of the canonical form; its space is the study's. `values` are those of objectives that
    have names, by name; `value` is then the first one's. `replicate` counts the trials of one architecture from 0. `change` orders
    the trials of a study by their last change.
    """

    __tablename__ = "svge_trials"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        UniqueConstraint("study_id", "canonical_id", "replicate"),
        Index(None, "study_id", "state", "number"),
        Index(None, "study_id", "state", "value", "number"),
        Index(None, "study_id", "worker", "state"),
        Index(None, "state", "lease_expires_at"),
        Index(None, "study_id", "change"),
        Index("ix_svge_trials_study_id_number_tagged", "study_id", "number", sqlite_where=_TAGGED, postgresql_where=_TAGGED),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("svge_studies.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(12))
    attempt: Mapped[int] = mapped_column(Integer)
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    architecture: Mapped[str] = mapped_column(Text)
    canonical_id: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(20))
    latent: Mapped[Any | None] = mapped_column(_Json)
    predicted_mean: Mapped[float | None] = mapped_column(Float(53))
    predicted_std: Mapped[float | None] = mapped_column(Float(53))
    acquisition_value: Mapped[float | None] = mapped_column(Float(53))
    observations_seen: Mapped[int] = mapped_column(BigInteger)
    model_hash: Mapped[str] = mapped_column(String(64))
    value: Mapped[float | None] = mapped_column(Float(53))
    values: Mapped[Any | None] = mapped_column(_Json)
    std: Mapped[float | None] = mapped_column(Float(53))
    reason: Mapped[str | None] = mapped_column(Text)
    finished_attempt: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[Any | None] = mapped_column(_Json)
    replicate: Mapped[int] = mapped_column(Integer)
    change: Mapped[int] = mapped_column(BigInteger)


class TrialCountRow(Table):
    """How many trials of a study are in a state."""

    __tablename__ = "svge_trial_counts"

    study_id: Mapped[int] = mapped_column(ForeignKey("svge_studies.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class FrontRow(Table):
    """A trial that no other of its study dominates. Its outcomes are in the order of the objectives, all to be maximised, and zero
    where there is no such objective.
    """

    __tablename__ = "svge_fronts"
    __table_args__ = (Index(None, "study_id", "first"),)

    trial_id: Mapped[str] = mapped_column(ForeignKey("svge_trials.id", ondelete="CASCADE"), primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("svge_studies.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[float] = mapped_column(Float(53))
    second: Mapped[float] = mapped_column(Float(53))
    third: Mapped[float] = mapped_column(Float(53))


class AttemptRow(Table):
    __tablename__ = "svge_attempts"

    trial_id: Mapped[str] = mapped_column(ForeignKey("svge_trials.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    worker: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(12))


class ObservationRow(Table):
    """`fingerprint` tells equal reports of one attempt from different ones, so that a repeated late one is stored once."""

    __tablename__ = "svge_observations"
    __table_args__ = (UniqueConstraint("trial_id", "attempt", "fingerprint"),)

    id: Mapped[int] = mapped_column(_Key, primary_key=True, autoincrement=True)
    trial_id: Mapped[str] = mapped_column(ForeignKey("svge_trials.id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(Integer)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(12))
    value: Mapped[float | None] = mapped_column(Float(53))
    values: Mapped[Any | None] = mapped_column(_Json)
    std: Mapped[float | None] = mapped_column(Float(53))
    reason: Mapped[str | None] = mapped_column(Text)
    step: Mapped[int | None] = mapped_column(Integer)
    metrics: Mapped[Any | None] = mapped_column(_Json)
    late: Mapped[bool] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProgressRow(Table):
    """An intermediate value. `mean` and `best` are over the `reports` of its attempt up to it; `rung` is the one that it reached.

    Stopping rules look at the newest rows of a study at one step or rung: an index each, which ends in the order of arrival.
    """

    __tablename__ = "svge_progress"
    __table_args__ = (
        UniqueConstraint("trial_id", "attempt", "step"),
        Index(None, "study_id", "step", "id"),
        Index(None, "study_id", "rung", "id"),
    )

    id: Mapped[int] = mapped_column(_Key, primary_key=True, autoincrement=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("svge_studies.id", ondelete="CASCADE"))
    trial_id: Mapped[str] = mapped_column(ForeignKey("svge_trials.id", ondelete="CASCADE"))
    attempt: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer)
    value: Mapped[float] = mapped_column(Float(53))
    reports: Mapped[int] = mapped_column(Integer)
    mean: Mapped[float] = mapped_column(Float(53))
    best: Mapped[float] = mapped_column(Float(53))
    rung: Mapped[int | None] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeyRow(Table):
    """A key to the API. Its token is not stored, only the token's SHA-256."""

    __tablename__ = "svge_keys"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReplayRow(Table):
    """The answer to the first request with an idempotency key; with the status 0 the mark of one that `body` is working on."""

    __tablename__ = "svge_replays"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    media_type: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
