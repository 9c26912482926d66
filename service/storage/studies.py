"""The queries about studies. Each runs in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.search.proposal import Hyperparameters, Limits
from service.errors import StudyExists, StudyNotFound
from service.storage.tables import StudyRow, storable, tagged
from service.storage.values import (
    Annotation,
    AshaRule,
    MedianRule,
    NamedObjective,
    StoppingRule,
    Study,
    StudySettings,
)

_COLUMNS = StudyRow.__table__.c
_PLAIN = tuple(name for name in StudySettings.__dataclass_fields__ if name not in ("objectives", "limits", "stopping"))
_RULES: Mapping[str, type[StoppingRule]] = {"median": MedianRule, "asha": AshaRule}


def create(session: Session, settings: StudySettings, now: datetime) -> Study:
    """Store a new study. Raises `StudyExists` when the name is taken.

    Its key is the time of its creation in microseconds: never that of a deleted study, for which something may still be computing.
    """
    values = {name: getattr(settings, name) for name in _PLAIN}
    values["objectives"] = [[objective.name, objective.direction] for objective in settings.objectives] or None
    values["limits"] = {name: limit for name, limit in asdict(settings.limits).items() if limit is not None} or None
    values["stopping"] = None if settings.stopping is None else asdict(settings.stopping)
    key = max(int(now.timestamp() * 1e6), (session.scalar(select(func.max(StudyRow.id))) or 0) + 1)
    while True:
        try:
            with session.begin_nested():
                session.execute(insert(StudyRow).values(**values, id=key, trials_created=0, created_at=now))
        except IntegrityError as error:
            if find(session, settings.name) is not None:
                message = f"a study '{settings.name}' exists already; choose another name or go on with that one"
                raise StudyExists(message) from error
            key += 1
        else:
            return Study(key, settings, 0, None, now)


def find(session: Session, name: str) -> Study | None:
    if not storable(name):
        return None
    row = session.execute(select(*_COLUMNS).where(StudyRow.name == name)).one_or_none()
    return None if row is None else _study(row)


def get(session: Session, study_id: int) -> Study:
    """Raises `StudyNotFound` when it was deleted meanwhile."""
    return _present(session.execute(select(*_COLUMNS).where(StudyRow.id == study_id)).one_or_none())


def lock(session: Session, study_id: int) -> Study:
    """The study as it is now, kept from other writers until the transaction ends. Raises `StudyNotFound` when it was deleted."""
    return _present(session.execute(select(*_COLUMNS).where(StudyRow.id == study_id).with_for_update()).one_or_none())


def page(session: Session, after: int, limit: int, tag: str | None = None) -> list[Study]:
    """At most `limit` studies in order of creation, those with a larger `id` than `after`."""
    query = select(*_COLUMNS).where(StudyRow.id > after)
    if tag is not None:
        query = query.where(tagged(StudyRow.tags, tag))
    return [_study(row) for row in session.execute(query.order_by(StudyRow.id).limit(limit))]


def newest(session: Session, limit: int) -> list[Study]:
    """At most `limit` studies, the newest first."""
    return [_study(row) for row in session.execute(select(*_COLUMNS).order_by(StudyRow.id.desc()).limit(limit))]


def search(session: Session, text: str, limit: int) -> list[str]:
    """The names of at most `limit` studies that have a text in them, in upper or lower case, the newest first."""
    query = select(StudyRow.name).where(StudyRow.name.icontains(text, autoescape=True)) if storable(text) else None
    return [] if query is None else list(session.scalars(query.order_by(StudyRow.id.desc()).limit(limit)))


def existing(session: Session, names: Sequence[str]) -> set[str]:
    """Those of the names that studies have."""
    return set(session.scalars(select(StudyRow.name).where(StudyRow.name.in_([name for name in names if storable(name)]))))


def at_random(session: Session, like: Study, limit: int) -> list[Study]:
    """At most `limit` other studies that draw from the space of this one at random, and look the same way, the newest first."""
    settings = like.settings
    alike = (StudyRow.space == settings.space, StudyRow.objective == settings.objective, StudyRow.strategy == "random")
    query = select(*_COLUMNS).where(*alike, StudyRow.id != like.id).order_by(StudyRow.id.desc()).limit(limit)
    return [_study(row) for row in session.execute(query)]


def pinned_to(session: Session, model_hash: str, limit: int) -> list[str]:
    """The names of at most `limit` studies that are pinned to a checkpoint."""
    return list(session.scalars(select(StudyRow.name).where(StudyRow.model_hash == model_hash).order_by(StudyRow.id).limit(limit)))


def save_progress(session: Session, study_id: int, trials_created: int) -> None:
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(trials_created=trials_created))


def hold_model(session: Session, model_hash: str) -> None:
    """Keep others from pinning a study to a checkpoint, and from deleting it, until the transaction ends.

    On SQLite every transaction that writes does.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(int(model_hash[:15], 16))))


def pin(session: Session, study_id: int, model_hash: str) -> None:
    """Let a study go on with another checkpoint, for which no hyperparameters are fitted yet."""
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(model_hash=model_hash, hyperparameters=None))


def set_closed(session: Session, study_id: int, closed_at: datetime | None) -> None:
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(closed_at=closed_at))


def annotate(session: Session, study_id: int, annotation: Annotation) -> None:
    values = {"note": annotation.note, "tags": list(annotation.tags) or None}
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(**values))


def delete(session: Session, study_id: int) -> None:
    """Delete a study with all that belongs to it."""
    session.execute(sql_delete(StudyRow).where(StudyRow.id == study_id))


def save_hyperparameters(session: Session, study_id: int, hyperparameters: Hyperparameters) -> None:
    plain = {name: list(values) for name, values in hyperparameters.items()}
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(hyperparameters=plain))


def _study(row: Row[Any]) -> Study:
    objectives = tuple(NamedObjective(name, direction) for name, direction in row.objectives or ())
    plain = {name: getattr(row, name) for name in _PLAIN}
    stopping = None if row.stopping is None else _RULES[row.stopping["rule"]](**row.stopping)
    settings = StudySettings(**plain, objectives=objectives, limits=Limits(**(row.limits or {})), stopping=stopping)
    annotation = Annotation(row.note, tuple(row.tags or ()))
    return Study(row.id, settings, row.trials_created, row.hyperparameters, row.created_at, row.closed_at, annotation)


def _present(row: Row[Any] | None) -> Study:
    if row is None:
        raise StudyNotFound("the study was deleted meanwhile; see GET /studies for those there are")
    return _study(row)
