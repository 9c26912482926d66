"""The queries of who looks at a study from above: the columns that are drawn, any part of the listing, what happened last.

Each runs in the caller's transaction and reads as much as it answers, however large the study is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from service.storage.tables import AttemptRow, StudyRow, TrialRow
from service.storage.trial_rows import read_trials, trial_query
from service.storage.values import Study, Trial, TrialState

Order = Literal["newest", "oldest", "highest", "lowest"]

_CHUNK = 500


class Result(NamedTuple):
    """What is drawn of a completed trial: its value, and what the surrogate expected of it, where it was asked."""

    trial: str
    number: int
    source: str
    value: float
    std: float | None
    predicted_mean: float | None
    predicted_std: float | None
    finished_at: datetime


class Event(NamedTuple):
    """The last thing that happened to a trial; `at` is when its present attempt ended, else began, else when it was made."""

    trial: str
    number: int
    state: TrialState
    attempt: int
    worker: str | None
    value: float | None
    reason: str | None
    at: datetime


_RESULT: tuple[Any, ...] = (
    TrialRow.id,
    TrialRow.number,
    TrialRow.source,
    TrialRow.value,
    TrialRow.std,
    TrialRow.predicted_mean,
    TrialRow.predicted_std,
    TrialRow.finished_at,
)
_EVENT: tuple[Any, ...] = (
    TrialRow.id,
    TrialRow.number,
    TrialRow.state,
    TrialRow.attempt,
    TrialRow.worker,
    TrialRow.value,
    TrialRow.reason,
    TrialRow.created_at,
    TrialRow.finished_at,
)


def spread(session: Session, study: Study, limit: int) -> list[Result]:
    """The completed trials in order of their number: all of a study of at most `limit` trials, else an even spread of them.

    The spread takes every so-and-so-many-th trial, a power of two, so that it stays the same while the study doubles.
    """
    query = select(*_RESULT).where(TrialRow.study_id == study.id, TrialRow.state == TrialState.COMPLETED)
    query = query.where(TrialRow.value.is_not(None)).order_by(TrialRow.number)
    step = spread_step(study.trials_created, limit)
    if step == 1:
        return _results(session, query)
    numbers = range(step, study.trials_created + 1, step)
    chunks = (numbers[start : start + _CHUNK] for start in range(0, len(numbers), _CHUNK))
    return [result for chunk in chunks for result in _results(session, query.where(TrialRow.number.in_(chunk)))]


def spread_step(size: int, limit: int) -> int:
    """Of `size` trials every how many-th one is in a spread of at most `limit`."""
    step = 1
    while size // step > limit:
        step *= 2
    return step


def part(session: Session, study_id: int, state: TrialState | None, order: Order, offset: int, limit: int) -> list[Trial]:
    """At most `limit` trials from place `offset` on, of all states or one, by their number or by value; only completed ones have
    a place by value.

    The place is counted in an index, which holds no more than numbers, and the trials are read when these are known.
    """
    query = select(TrialRow.number).where(TrialRow.study_id == study_id)
    if order in ("highest", "lowest"):
        query = query.where(TrialRow.state == TrialState.COMPLETED)
        by_value = TrialRow.value.desc() if order == "highest" else TrialRow.value.asc()
        query = query.order_by(by_value, TrialRow.number)
    else:
        if state is not None:
            query = query.where(TrialRow.state == state)
        query = query.order_by(TrialRow.number.desc() if order == "newest" else TrialRow.number.asc())
    numbers = list(session.scalars(query.offset(offset).limit(limit)))
    whole = trial_query().where(TrialRow.study_id == study_id, TrialRow.number.in_(numbers))
    found = {trial.number: trial for trial in read_trials(session, whole)}
    return [found[number] for number in numbers]


def events(session: Session, study_id: int, limit: int) -> list[Event]:
    """The trials that changed last, the last one first."""
    query = _events().where(TrialRow.study_id == study_id).order_by(TrialRow.change.desc()).limit(limit)
    return [_event(row) for row in session.execute(query)]


def last_events(session: Session, study_ids: Sequence[int]) -> dict[int, tuple[int, Event]]:
    """Of each study that has trials, by its key, the number of its last change and what happened then."""
    newest = select(TrialRow.id).where(TrialRow.study_id == StudyRow.id).order_by(TrialRow.change.desc()).limit(1)
    of_each = select(newest.correlate(StudyRow).scalar_subquery()).select_from(StudyRow).where(StudyRow.id.in_(study_ids))
    trials = [trial_id for trial_id in session.scalars(of_each) if trial_id is not None]
    found = {}
    for start in range(0, len(trials), _CHUNK):
        query = _events().add_columns(TrialRow.study_id, TrialRow.change)
        for row in session.execute(query.where(TrialRow.id.in_(trials[start : start + _CHUNK]))):
            found[row.study_id] = row.change, _event(row)
    return found


def _events() -> Select[Any]:
    attempt = and_(AttemptRow.trial_id == TrialRow.id, AttemptRow.attempt == TrialRow.attempt)
    return select(*_EVENT, AttemptRow.started_at, AttemptRow.ended_at).outerjoin(AttemptRow, attempt)


def _results(session: Session, query: Select[Any]) -> list[Result]:
    return [Result(*row) for row in session.execute(query)]


def _event(row: Any) -> Event:
    at = row.finished_at or row.ended_at or row.started_at or row.created_at
    return Event(row.id, row.number, TrialState(row.state), row.attempt, row.worker, row.value, row.reason, at)
