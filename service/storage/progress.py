"""The queries about intermediate values. Each runs in the caller's transaction, and walks an index for as much as it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.storage.tables import ProgressRow
from service.storage.values import Point, StoredProgress, Trial


def around(session: Session, trial: Trial, first: int, last: int) -> list[Point]:
    """The points of the trial's attempt from `first` to `last` and the one before them, in order of their step."""
    own = (ProgressRow.trial_id == trial.id, ProgressRow.attempt == trial.attempt)
    before = select(func.max(ProgressRow.step)).where(*own, ProgressRow.step < first).scalar_subquery()
    columns = (ProgressRow.step, ProgressRow.value, ProgressRow.reports, ProgressRow.mean, ProgressRow.best, ProgressRow.rung)
    where = (*own, ProgressRow.step >= func.coalesce(before, first), ProgressRow.step <= last)
    return [Point(*row) for row in session.execute(select(*columns).where(*where).order_by(ProgressRow.step))]


def add(session: Session, study_id: int, points: Sequence[tuple[Trial, Point]], now: datetime) -> None:
    """Store points of the present attempts of trials of one study."""
    rows = [
        {**asdict(point), "study_id": study_id, "trial_id": trial.id, "attempt": trial.attempt, "received_at": now}
        for trial, point in points
    ]
    if rows:
        session.execute(insert(ProgressRow), rows)


def means_at(session: Session, study_id: int, step: int, limit: int) -> Mapping[str, float]:
    """The running averages at a step by trial, of those among the newest `limit` reports; of several attempts the newest."""
    return _newest(session, ProgressRow.mean, study_id, ProgressRow.step == step, limit)


def values_at_rung(session: Session, study_id: int, rung: int, limit: int) -> Mapping[str, float]:
    """The values with which trials reached a rung, by trial, as in `means_at`."""
    return _newest(session, ProgressRow.value, study_id, ProgressRow.rung == rung, limit)


def page(session: Session, trial_id: str, after: tuple[int, int], limit: int) -> list[StoredProgress]:
    """At most `limit` values of a trial in order of attempt and step, those that follow the attempt and step `after`."""
    key = tuple_(ProgressRow.attempt, ProgressRow.step)
    columns = (ProgressRow.attempt, ProgressRow.step, ProgressRow.value, ProgressRow.received_at)
    query = select(*columns).where(ProgressRow.trial_id == trial_id, key > after)
    return [StoredProgress(*row) for row in session.execute(query.order_by(ProgressRow.attempt, ProgressRow.step).limit(limit))]


def _newest(
    session: Session, column: InstrumentedAttribute[float], study_id: int, place: ColumnElement[bool], limit: int
) -> Mapping[str, float]:
    query = select(ProgressRow.trial_id, column).where(ProgressRow.study_id == study_id, place)
    rows = session.execute(query.order_by(ProgressRow.id.desc()).limit(limit)).all()
    return {trial_id: number for trial_id, number in reversed(rows)}
