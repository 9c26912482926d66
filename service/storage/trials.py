"""The queries about trials. Each runs in the caller's transaction. The attempts and reports of a trial are in `records.py`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from models.search.proposal import Direction, Observation
from service.storage import counts
from service.storage.tables import StudyRow, TrialRow, storable
from service.storage.values import Origin, Study, Trial, TrialState

Item = TypeVar("Item")

_CHUNK = 500
_MUTABLE = ("state", "attempt", "worker", "lease_expires_at", "value", "values", "std", "reason", "finished_attempt", "finished_at")


def add(session: Session, study_id: int, trial: Trial) -> bool:
    """Store a new trial; False when the study holds an isomorphic architecture already, and then nothing is stored."""
    origin = trial.origin
    values = {
        "id": trial.id,
        "study_id": study_id,
        "number": trial.number,
        "architecture": format_architecture(trial.architecture),
        "canonical_id": trial.canonical_id,
        "source": origin.source,
        "latent": None if origin.latent is None else list(origin.latent),
        "predicted_mean": origin.predicted_mean,
        "predicted_std": origin.predicted_std,
        "acquisition_value": origin.acquisition_value,
        "observations_seen": origin.observations_seen,
        "model_hash": trial.model_hash,
        "created_at": trial.created_at,
        **{name: getattr(trial, name) for name in _MUTABLE},
    }
    try:
        with session.begin_nested():
            session.execute(insert(TrialRow).values(**values))
    except IntegrityError:
        if not find_by_architecture(session, study_id, [trial.canonical_id]):
            raise
        return False
    counts.note(session, study_id, None, trial.state)
    return True


def save(session: Session, study_id: int, before: Trial, after: Trial) -> None:
    """Store what has changed in a trial of a study whose row the transaction holds; `before` is the trial as it is stored."""
    values = {name: getattr(after, name) for name in _MUTABLE}
    session.execute(update(TrialRow).where(TrialRow.id == after.id).values(**values))
    counts.note(session, study_id, before.state, after.state)


def renew(session: Session, trial_ids: Sequence[str], lease_expires_at: datetime | None) -> None:
    for chunk in _chunks(trial_ids):
        session.execute(update(TrialRow).where(TrialRow.id.in_(chunk)).values(lease_expires_at=lease_expires_at))


def find(session: Session, trial_ids: Sequence[str], lock: bool = False) -> dict[str, Trial]:
    """The trials with these ids, those that exist, by id; with `lock` as they are now, kept from other writers."""
    found: dict[str, Trial] = {}
    for chunk in _chunks([trial_id for trial_id in trial_ids if storable(trial_id)]):
        query = _trial_query().where(TrialRow.id.in_(chunk))
        for trial in _trials(session, query.with_for_update(of=TrialRow) if lock else query):
            found[trial.id] = trial
    return found


def study_keys(session: Session, trial_ids: Sequence[str]) -> list[int]:
    """The keys of the studies that hold these trials, in order."""
    query = select(TrialRow.study_id).distinct()
    known = [trial_id for trial_id in trial_ids if storable(trial_id)]
    keys = {key for chunk in _chunks(known) for key in session.scalars(query.where(TrialRow.id.in_(chunk)))}
    return sorted(keys)


def find_by_architecture(session: Session, study_id: int, canonical_ids: Sequence[str]) -> dict[str, str]:
    """The ids of the trials of these architectures, those that exist, by canonical id."""
    query = select(TrialRow.canonical_id, TrialRow.id).where(TrialRow.study_id == study_id)
    rows = (row for chunk in _chunks(canonical_ids) for row in session.execute(query.where(TrialRow.canonical_id.in_(chunk))))
    return {canonical_id: trial_id for canonical_id, trial_id in rows}


def held_by(session: Session, study_id: int, worker: str) -> list[Trial]:
    """The running trials of a worker, the oldest first, kept from other writers: a sweep may be taking them from it."""
    query = _trial_query().where(TrialRow.study_id == study_id, TrialRow.worker == worker, TrialRow.state == TrialState.RUNNING)
    return _trials(session, query.order_by(TrialRow.number).with_for_update(of=TrialRow))


def waiting(session: Session, study_id: int, limit: int) -> list[Trial]:
    """The trials that wait to be handed out again, the oldest first."""
    query = _trial_query().where(TrialRow.study_id == study_id, TrialRow.state == TrialState.WAITING)
    return _trials(session, query.order_by(TrialRow.number).limit(limit))


def expired(session: Session, now: datetime, study_id: int, limit: int) -> list[tuple[Trial, int]]:
    """Running trials of a study whose lease has run out, each with its study's `max_attempts`."""
    query = _trial_query().add_columns(StudyRow.max_attempts)
    query = query.where(TrialRow.study_id == study_id, TrialRow.state == TrialState.RUNNING, TrialRow.lease_expires_at <= now)
    query = query.order_by(TrialRow.number).limit(limit).with_for_update(of=TrialRow, skip_locked=True)
    return [(_trial(row), row.max_attempts) for row in session.execute(query)]


def expired_study(session: Session, now: datetime) -> int | None:
    """The key of a study in which the lease of a running trial has run out, None where there is none."""
    query = select(TrialRow.study_id).where(TrialRow.state == TrialState.RUNNING, TrialRow.lease_expires_at <= now)
    return session.scalar(query.order_by(TrialRow.lease_expires_at).limit(1))


def page(session: Session, study_id: int, state: TrialState | None, after: int, limit: int) -> list[Trial]:
    """At most `limit` trials in order of their number, those with a larger number than `after`."""
    query = _trial_query().where(TrialRow.study_id == study_id, TrialRow.number > after)
    if state is not None:
        query = query.where(TrialRow.state == state)
    return _trials(session, query.order_by(TrialRow.number).limit(limit))


def best(session: Session, study_id: int, objective: Direction, limit: int) -> list[Trial]:
    """The completed trials with the best values, the best first; of equal ones the oldest first."""
    order = TrialRow.value.desc() if objective == "maximize" else TrialRow.value.asc()
    query = _trial_query().where(TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED)
    return _trials(session, query.order_by(order, TrialRow.number).limit(limit))


def with_value(session: Session, study_id: int, value: float | None, limit: int) -> tuple[list[Trial], int]:
    """At most `limit` completed trials of exactly this value, the oldest first, and how many there are."""
    same = (TrialRow.study_id == study_id, TrialRow.state == TrialState.COMPLETED, TrialRow.value == value)
    size = session.scalar(select(func.count()).select_from(TrialRow).where(*same)) or 0
    return _trials(session, _trial_query().where(*same).order_by(TrialRow.number).limit(limit)), size


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


def outcomes(session: Session, study: Study) -> Iterator[tuple[str, int, str, Mapping[str, float]]]:
    """Of the completed trials of a study whose objectives have names, in order of number: ids, numbers, stored architectures and
    values.
    """
    query = select(TrialRow.id, TrialRow.number, TrialRow.architecture, TrialRow.values)
    query = query.where(TrialRow.study_id == study.id, TrialRow.state == TrialState.COMPLETED).order_by(TrialRow.number)
    return ((trial_id, number, text, values) for trial_id, number, text, values in session.execute(query))


def running_architectures(session: Session, study_id: int) -> tuple[Architecture, ...]:
    query = select(TrialRow.architecture, StudyRow.space).join(StudyRow, StudyRow.id == TrialRow.study_id)
    query = query.where(TrialRow.study_id == study_id, TrialRow.state == TrialState.RUNNING).order_by(TrialRow.number)
    return tuple(parse_architecture(space, text) for text, space in session.execute(query))


def canonical_ids(session: Session, study_id: int, states: Sequence[TrialState], limit: int) -> tuple[str, ...]:
    """The architectures of the newest `limit` trials in each of these states, in alphabetical order."""
    query = select(TrialRow.canonical_id).where(TrialRow.study_id == study_id).order_by(TrialRow.number.desc()).limit(limit)
    return tuple(sorted(name for state in states for name in session.scalars(query.where(TrialRow.state == state))))


def format_architecture(architecture: Architecture) -> str:
    """The compact JSON under which an architecture is stored; its space is the study's."""
    return json.dumps({"nodes": architecture.nodes, "edges": architecture.edges}, separators=(",", ":"))


def parse_architecture(space: str, text: str) -> Architecture:
    graph = json.loads(text)
    return Architecture(space, tuple(graph["nodes"]), tuple((source, target) for source, target in graph["edges"]))


def _trial_query() -> Select[Any]:
    columns = TrialRow.__table__.c
    return select(*columns, StudyRow.name.label("study"), StudyRow.space).join(StudyRow, StudyRow.id == TrialRow.study_id)


def _trials(session: Session, query: Select[Any]) -> list[Trial]:
    return [_trial(row) for row in session.execute(query)]


def _trial(row: Row[Any]) -> Trial:
    latent = None if row.latent is None else tuple(row.latent)
    origin = Origin(row.source, latent, row.predicted_mean, row.predicted_std, row.acquisition_value, row.observations_seen)
    return Trial(
        id=row.id,
        study=row.study,
        number=row.number,
        state=TrialState(row.state),
        attempt=row.attempt,
        worker=row.worker,
        lease_expires_at=row.lease_expires_at,
        architecture=parse_architecture(row.space, row.architecture),
        canonical_id=row.canonical_id,
        origin=origin,
        model_hash=row.model_hash,
        value=row.value,
        values=row.values,
        std=row.std,
        reason=row.reason,
        finished_attempt=row.finished_attempt,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
