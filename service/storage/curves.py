"""The query behind the curve of the best value so far."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.search.proposal import Direction
from service.storage.tables import TrialRow
from service.storage.values import TrialState


@dataclass(frozen=True, slots=True)
class Improvement:
    """A trial that was better than all completed before it; `evaluations` counts these and itself."""

    trial: str
    number: int
    evaluations: int
    value: float
    finished_at: datetime


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
        .where(TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED)
        .subquery()
    )
    columns = completed.c
    better = columns.value > columns.before if objective == "maximize" else columns.value < columns.before
    rows = session.execute(select(*columns).where(or_(columns.before.is_(None), better)).order_by(columns.evaluations))
    return [Improvement(row.id, row.number, row.evaluations, row.value, row.finished_at) for row in rows]
