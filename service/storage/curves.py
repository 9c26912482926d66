"""The queries behind the curve of the best value so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.search.proposal import Direction
from service.storage.tables import TrialRow
from service.storage.values import TrialState

_COMPLETED: tuple[Any, ...] = (TrialRow.finished_at, TrialRow.number, TrialRow.id, TrialRow.value)


@dataclass(frozen=True, slots=True)
class Improvement:
    """A trial that was better than all completed before it; `evaluations` counts these and itself."""

    trial: str
    number: int
    evaluations: int
    value: float
    finished_at: datetime


class Completed(NamedTuple):
    """A completed trial; these follow each other by `finished_at` and `number`."""

    finished_at: datetime
    number: int
    trial: str
    value: float


def last_completed(session: Session, study_id: int) -> Completed | None:
    """The one that follows all others."""
    query = select(*_COMPLETED).where(*_is_completed(study_id)).order_by(TrialRow.finished_at.desc(), TrialRow.number.desc())
    row = session.execute(query.limit(1)).one_or_none()
    return None if row is None else Completed(*row)


def completed_since(session: Session, study_id: int, change: int) -> list[Completed]:
    """Those that have changed after a change of the study, one after the other."""
    query = select(*_COMPLETED).where(*_is_completed(study_id), TrialRow.change > change)
    return sorted(Completed(*row) for row in session.execute(query))


def _is_completed(study_id: int) -> tuple[ColumnElement[bool], ...]:
    return TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED


def improvements(session: Session, study_id: int, objective: Direction) -> list[Improvement]:
    """Every improvement of a study in the order in which its trials were completed."""
    order = (TrialRow.finished_at, TrialRow.number)
    best = func.max if objective == "maximize" else func.min
    completed = (
        select(
            TrialRow.id,
            TrialRow.number,
            TrialRow.value,
            TrialRow.finished_at,
            func.row_number().over(order_by=order).label("evaluations"),
            best(TrialRow.value).over(order_by=order, rows=(None, -1)).label("before"),
        )
        .where(*_is_completed(study_id))
        .subquery()
    )
    columns = completed.c
    better = columns.value > columns.before if objective == "maximize" else columns.value < columns.before
    rows = session.execute(select(*columns).where(or_(columns.before.is_(None), better)).order_by(columns.evaluations))
    return [Improvement(row.id, row.number, row.evaluations, row.value, row.finished_at) for row in rows]
