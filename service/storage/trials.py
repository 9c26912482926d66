"""The queries about trials. Each runs in the caller's transaction. The attempts and reports of a trial are in `records.py`, how its
row is read and written in `trial_rows.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.search.proposal import Direction, Observation
from service.storage import counts
from service.storage.tables import StudyRow, TrialRow, plain, storable, tagged
from service.storage.trial_rows import MUTABLE, parse_architecture, read_trial, read_trials, row_of, trial_query
from service.storage.values import Annotation, Study, Trial, TrialState

Item = TypeVar("Item")

_CHUNK = 500


def add(session: Session, study_id: int, trial: Trial) -> bool:
    """Store a new trial; False when the study holds an isomorphic architecture already, and then nothing is stored."""
    try:
        with session.begin_nested():
            session.execute(insert(TrialRow).values(**row_of(study_id, trial), change=_ChangeNumbers(session).next(study_id)))
    except IntegrityError:
        if not find_by_architecture(session, study_id, [trial.canonical_id]):
            raise
        return False
    counts.note(session, study_id, None, trial.state)
    return True


def add_all(session: Session, new: Sequence[tuple[int, Trial]]) -> None:
    """Store new trials with the keys of their studies, which are locked and hold none of these architectures."""
    numbers = _ChangeNumbers(session)
    for chunk in _chunks(new):
        rows = []
        for study_id, trial in chunk:
            rows.append(row_of(study_id, trial) | {"change": numbers.next(study_id)})
            counts.note(session, study_id, None, trial.state)
        session.execute(insert(plain(TrialRow)), rows)


def save(session: Session, study_id: int, before: Trial, after: Trial) -> None:
    """Store what has changed in a trial; `before` is the trial as it is stored.

    Its study is locked, so that changes are numbered and counted in the order of their commits.
    """
    save_all(session, [(study_id, before, after)])


def save_all(session: Session, changed: Sequence[tuple[int, Trial, Trial]]) -> None:
    """`save` of many trials, none of them twice, each with the key of its study before it."""
    numbers, rows = _ChangeNumbers(session), []
    for study_id, before, after in changed:
        row = {f"new_{name}": getattr(after, name) for name in MUTABLE}
        rows.append(row | {"key": after.id, "new_change": numbers.next(study_id)})
        counts.note(session, study_id, before.state, after.state)
    table = plain(TrialRow)
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in (*MUTABLE, "change")}
    for chunk in _chunks(rows):
        session.execute(update(table).where(table.c.id == bindparam("key")).values(new), chunk)


def annotate(session: Session, study_id: int, trial_id: str, annotation: Annotation) -> None:
    """Store what people write on a trial, whose study is locked."""
    values = {"note": annotation.note, "tags": list(annotation.tags) or None, "change": _ChangeNumbers(session).next(study_id)}
    session.execute(update(TrialRow).where(TrialRow.id == trial_id).values(**values))


def renew(session: Session, trial_ids: Sequence[str], lease_expires_at: datetime | None) -> None:
    for chunk in _chunks(trial_ids):
        session.execute(update(TrialRow).where(TrialRow.id.in_(chunk)).values(lease_expires_at=lease_expires_at))


def find(session: Session, trial_ids: Sequence[str], lock: bool = False) -> dict[str, Trial]:
    """The trials with these ids, those that exist, by id; with `lock` as they are now, kept from other writers."""
    found: dict[str, Trial] = {}
    for chunk in _chunks([trial_id for trial_id in trial_ids if storable(trial_id)]):
        query = trial_query().where(TrialRow.id.in_(chunk))
        for trial in read_trials(session, query.with_for_update(of=TrialRow) if lock else query):
            found[trial.id] = trial
    return found


def study_keys(session: Session, trial_ids: Sequence[str]) -> list[int]:
    """The keys of the studies that hold these trials, in order."""
    query = select(TrialRow.study_id).distinct()
    known = [trial_id for trial_id in trial_ids if storable(trial_id)]
    keys = {key for chunk in _chunks(known) for key in session.scalars(query.where(TrialRow.id.in_(chunk)))}
    return sorted(keys)


def find_by_architecture(session: Session, study_id: int, canonical_ids: Sequence[str]) -> dict[str, str]:
    """The ids of the first trials of these architectures, those that exist, by canonical id.

    PostgreSQL sees the canonical ids as constants. A plan for parameters, made while a study is small, compares each of its trials
    with each of them: half a minute for 15,000.
    """
    query = select(TrialRow.canonical_id, TrialRow.id).where(TrialRow.study_id == study_id, TrialRow.replicate == 0)
    found: dict[str, str] = {}
    for chunk in _chunks(canonical_ids):
        keys: BindParameter[Any] = bindparam("keys", chunk, expanding=True, literal_execute=True)
        found |= {key: trial_id for key, trial_id in session.execute(query.where(TrialRow.canonical_id.in_(keys)))}
    return found


def last_replicate(session: Session, study_id: int, canonical_id: str) -> int:
    """The largest number of a replicate of an architecture that the study holds."""
    query = select(func.max(TrialRow.replicate)).where(TrialRow.study_id == study_id, TrialRow.canonical_id == canonical_id)
    return session.scalar(query) or 0


def held_by(session: Session, study_id: int, worker: str) -> list[Trial]:
    """The running trials of a worker, the oldest first, kept from other writers: a sweep may be taking them from it."""
    query = trial_query().where(TrialRow.study_id == study_id, TrialRow.worker == worker, TrialRow.state == TrialState.RUNNING)
    return read_trials(session, query.order_by(TrialRow.number).with_for_update(of=TrialRow))


def waiting(session: Session, study_id: int, limit: int) -> list[Trial]:
    """The trials that wait to be handed out again, the oldest first."""
    query = trial_query().where(TrialRow.study_id == study_id, TrialRow.state == TrialState.WAITING)
    return read_trials(session, query.order_by(TrialRow.number).limit(limit))


def expired(session: Session, now: datetime, study_id: int, limit: int) -> list[Trial]:
    """Running trials of a study whose lease has run out, the oldest first, kept from other writers."""
    query = trial_query().where(TrialRow.study_id == study_id, *_overdue(now))
    return read_trials(session, query.order_by(TrialRow.number).limit(limit).with_for_update(of=TrialRow))


def overdue_study(session: Session, now: datetime) -> int | None:
    """The key of a study in which the lease of a running trial has run out, None where there is none."""
    return session.scalar(select(TrialRow.study_id).where(*_overdue(now)).order_by(TrialRow.lease_expires_at).limit(1))


def page(session: Session, study_id: int, state: TrialState | None, after: int, limit: int, tag: str | None = None) -> list[Trial]:
    """At most `limit` trials in order of their number, those with a larger number than `after`."""
    query = _filtered(study_id, state, tag).where(TrialRow.number > after)
    return read_trials(session, query.order_by(TrialRow.number).limit(limit))


def newest(session: Session, study_id: int, limit: int) -> list[Trial]:
    """At most `limit` trials, the newest first."""
    return read_trials(session, _filtered(study_id, None, None).order_by(TrialRow.number.desc()).limit(limit))


def changed(
    session: Session, study_id: int, state: TrialState | None, since: int, limit: int, tag: str | None = None
) -> tuple[list[Trial], int]:
    """At most `limit` trials in order of their last change, those that came after the change `since`, and the change to go on from:
    the study's last one where these are all.
    """
    query = _filtered(study_id, state, tag).where(TrialRow.change > since).order_by(TrialRow.change).limit(limit)
    rows = session.execute(query).all()
    return [read_trial(row) for row in rows], rows[-1].change if len(rows) == limit else max(since, last_change(session, study_id))


def last_change(session: Session, study_id: int) -> int:
    """The number of the last change of any trial of a study; 0 without trials."""
    return session.scalar(select(func.max(TrialRow.change)).where(TrialRow.study_id == study_id)) or 0


def best(session: Session, study_id: int, objective: Direction, limit: int) -> list[Trial]:
    """The completed trials with the best values, the best first; of equal ones the oldest first."""
    order = TrialRow.value.desc() if objective == "maximize" else TrialRow.value.asc()
    query = trial_query().where(TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED)
    return read_trials(session, query.order_by(order, TrialRow.number).limit(limit))


def best_values(session: Session, study_ids: Sequence[int]) -> dict[int, float | None]:
    """The best value of each study by its key, None without completed trials: two looks at an index each, whatever their size."""
    completed = (TrialRow.study_id == StudyRow.id, TrialRow.state == TrialState.COMPLETED)
    highest, lowest = (select(end(TrialRow.value)).where(*completed).scalar_subquery() for end in (func.max, func.min))
    best_of = case((StudyRow.objective == "maximize", highest), else_=lowest)
    rows = session.execute(select(StudyRow.id, best_of).where(StudyRow.id.in_(study_ids)))
    return {study_id: value for study_id, value in rows}


def with_value(session: Session, study_id: int, value: float | None, limit: int) -> tuple[list[Trial], int]:
    """At most `limit` completed trials of exactly this value, the oldest first, and how many there are."""
    same = (TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED, TrialRow.value == value)
    size = session.scalar(select(func.count()).select_from(TrialRow).where(*same)) or 0
    return read_trials(session, trial_query().where(*same).order_by(TrialRow.number).limit(limit)), size


def observations(session: Session, study: Study, numbers: Sequence[int] | None = None) -> tuple[Observation, ...]:
    """The completed trials of a study as the search sees them, in order of their number; of these ascending `numbers` alone where
    some are given.
    """
    space, further = study.settings.space, study.settings.observed_names[1:]
    query = select(TrialRow.architecture, TrialRow.value, TrialRow.std, *([TrialRow.values] if further else []))
    query = query.where(TrialRow.study_id == study.id, TrialRow.state == TrialState.COMPLETED).order_by(TrialRow.number)
    queries = [query] if numbers is None else [query.where(TrialRow.number.in_(chunk)) for chunk in _chunks(numbers)]
    return tuple(
        Observation(parse_architecture(space, text), value, std, tuple(values[0][name] for name in further))
        for each in queries
        for text, value, std, *values in session.execute(each)
        if value is not None
    )


def outcomes(session: Session, study: Study, newest: int | None = None) -> Iterator[tuple[str, int, str, Mapping[str, float]]]:
    """Of the completed trials of a study whose objectives have names, in order of number: ids, numbers, stored architectures and
    values. With `newest` those of so many alone, the newest first.
    """
    query = select(TrialRow.id, TrialRow.number, TrialRow.architecture, TrialRow.values)
    query = query.where(TrialRow.study_id == study.id, TrialRow.state == TrialState.COMPLETED)
    query = query.order_by(TrialRow.number) if newest is None else query.order_by(TrialRow.number.desc()).limit(newest)
    return ((trial_id, number, text, values) for trial_id, number, text, values in session.execute(query))


def running_architectures(session: Session, study_id: int, limit: int) -> tuple[Architecture, ...]:
    """Those of the running trials, at most `limit` of the newest ones, in order of their number."""
    query = select(TrialRow.architecture, StudyRow.space).join(StudyRow, StudyRow.id == TrialRow.study_id)
    query = query.where(TrialRow.study_id == study_id, TrialRow.state == TrialState.RUNNING).order_by(TrialRow.number.desc())
    newest = session.execute(query.limit(limit)).all()
    return tuple(parse_architecture(space, text) for text, space in reversed(newest))


def canonical_ids(session: Session, study_id: int, states: Sequence[TrialState], limit: int) -> tuple[str, ...]:
    """The architectures of the newest `limit` trials in each of these states, in alphabetical order."""
    query = select(TrialRow.canonical_id).where(TrialRow.study_id == study_id).order_by(TrialRow.number.desc()).limit(limit)
    return tuple(sorted(name for state in states for name in session.scalars(query.where(TrialRow.state == state))))


def _overdue(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return TrialRow.state == TrialState.RUNNING, TrialRow.lease_expires_at <= now


def _filtered(study_id: int, state: TrialState | None, tag: str | None) -> Select[Any]:
    query = trial_query().where(TrialRow.study_id == study_id)
    if state is not None:
        query = query.where(TrialRow.state == state)
    if tag is not None:
        query = query.where(tagged(TrialRow.tags, tag))
    return query


class _ChangeNumbers:
    """The numbers of the next changes of locked studies."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last: dict[int, int] = {}

    def next(self, study_id: int) -> int:
        if study_id not in self._last:
            self._last[study_id] = last_change(self._session, study_id)
        self._last[study_id] += 1
        return self._last[study_id]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
