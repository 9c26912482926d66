"""The queries about what belongs to one trial: its attempts and the reports that came in. Each runs in the caller's transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from service.storage.dialects import insert_of
from service.storage.tables import AttemptRow, ObservationRow, plain
from service.storage.values import Attempt, Outcome, StoredObservation, TrialState

_CHUNK = 500


class Report(NamedTuple):
    """What was reported of an attempt at a trial."""

    trial_id: str
    attempt: int
    outcome: Outcome
    metrics: Mapping[str, Any] | None


def start_attempt(session: Session, trial_id: str, attempt: int, worker: str, now: datetime) -> None:
    session.execute(insert(AttemptRow).values(trial_id=trial_id, attempt=attempt, worker=worker, started_at=now))


def end_attempts(session: Session, ended: Sequence[tuple[str, int, str]], now: datetime) -> None:
    """Say how attempts, given by trial and number, ended; a result that comes after its lease ran out replaces `expired`."""
    if ended:
        columns = plain(AttemptRow).c
        where = (columns.trial_id == bindparam("of_trial"), columns.attempt == bindparam("number"))
        rows = [{"of_trial": trial_id, "number": attempt, "how": outcome} for trial_id, attempt, outcome in ended]
        session.execute(update(plain(AttemptRow)).where(*where).values(ended_at=now, outcome=bindparam("how")), rows)


def resume_attempt(session: Session, trial_id: str, attempt: int) -> None:
    """Take back the end of an attempt whose worker showed a sign of life after its lease had run out."""
    where = (AttemptRow.trial_id == trial_id, AttemptRow.attempt == attempt)
    session.execute(update(AttemptRow).where(*where).values(ended_at=None, outcome=None))


def attempts(session: Session, trial_id: str) -> list[Attempt]:
    rows = session.execute(select(*AttemptRow.__table__.c).where(AttemptRow.trial_id == trial_id).order_by(AttemptRow.attempt))
    return [Attempt(row.attempt, row.worker, row.started_at, row.ended_at, row.outcome) for row in rows]


def add_observations(session: Session, reports: Sequence[Report], late: bool, now: datetime) -> None:
    """Keep reports. The same report of the same attempt is kept once."""
    kept = insert_of(session, plain(ObservationRow)).on_conflict_do_nothing()
    for start in range(0, len(reports), _CHUNK):
        session.execute(kept, [_row_of(report, late, now) for report in reports[start : start + _CHUNK]])


def observations(session: Session, trial_id: str) -> list[StoredObservation]:
    """The reports of a trial in order of arrival."""
    query = select(*ObservationRow.__table__.c).where(ObservationRow.trial_id == trial_id).order_by(ObservationRow.id)
    return [
        StoredObservation(
            row.attempt,
            Outcome(TrialState(row.status), row.value, row.std, row.reason, row.values, row.step),
            row.metrics,
            row.late,
            row.received_at,
        )
        for row in session.execute(query)
    ]


def _row_of(report: Report, late: bool, now: datetime) -> dict[str, Any]:
    outcome, metrics = report.outcome, report.metrics
    return {
        "trial_id": report.trial_id,
        "attempt": report.attempt,
        "fingerprint": _fingerprint(outcome, metrics),
        "status": outcome.status,
        "value": outcome.value,
        "values": None if outcome.values is None else dict(outcome.values),
        "std": outcome.std,
        "reason": outcome.reason,
        "step": outcome.step,
        "metrics": None if metrics is None else dict(metrics),
        "late": late,
        "received_at": now,
    }


def _fingerprint(outcome: Outcome, metrics: Mapping[str, Any] | None) -> str:
    content = [outcome.status, outcome.value, outcome.std, outcome.reason, metrics]
    content += [] if outcome.values is None else [dict(outcome.values)]
    content += [] if outcome.step is None else [{"step": outcome.step}]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
