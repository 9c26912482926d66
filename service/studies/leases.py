"""Leases of running trials: how long they last, what happens when they run out, and heartbeats that renew them.

The intermediate values that a heartbeat carries are `progress.py`.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from service import metrics
from service.errors import StudyNotFound
from service.storage import records, studies, trials
from service.storage.values import Study, Trial, TrialState
from service.studies import states
from service.studies.context import Context
from service.studies.progress import Dropped, ProgressReport, Told, take

_log = logging.getLogger(__name__)

_SWEEP_SIZE = 500


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a heartbeat: trials whose lease is renewed; with a reason each those that are lost and those that should stop,
    because they need no result or, renewed all the same, by the study's rule; and reports that were not stored.
    """

    renewed: tuple[Trial, ...]
    lost: Told
    stop: Told
    dropped: Dropped


def lease_end(study: Study, now: datetime) -> datetime | None:
    """When a lease that begins now runs out; None where leases never do."""
    seconds = study.settings.lease_seconds
    return now + timedelta(seconds=seconds) if seconds else None


def expire(session: Session, now: datetime, study: Study) -> int:
    """Take the trials of a locked study whose lease has run out from their workers; answers how many.

    Such a trial waits for the next asker, or has failed after its last attempt.
    """
    overdue, max_attempts = trials.expired(session, now, study.id, _SWEEP_SIZE), study.settings.max_attempts
    for trial in overdue:
        if trial.attempt < max_attempts:
            state = states.check(trial.state, TrialState.WAITING)
            trials.save(session, study.id, trial, replace(trial, state=state, lease_expires_at=None))
        else:
            state = states.check(trial.state, TrialState.FAILED)
            reason = f"the lease ran out in each of {max_attempts} attempts"
            failed = replace(trial, state=state, lease_expires_at=None, reason=reason, finished_at=now)
            trials.save(session, study.id, trial, failed)
    records.end_attempts(session, [(trial.id, trial.attempt, "expired") for trial in overdue], now)
    metrics.expired_leases.inc(len(overdue))
    return len(overdue)


async def sweep(context: Context) -> int:
    """Apply every lease that has run out, whatever the study; answers how many. Takes the write lock only if there is one."""
    database = context.database
    swept = 0
    while key := await database.read(lambda session: trials.overdue_study(session, database.now(session))):
        swept += await database.write(partial(_sweep_study, context, key))
    if swept:
        _log.info("%d leases ran out", swept)
    return swept


def _sweep_study(context: Context, study_id: int, session: Session) -> int:
    try:
        study = studies.lock(session, study_id)
    except StudyNotFound:
        return 0
    return expire(session, context.database.now(session), study)


async def heartbeat(context: Context, worker: str, trial_ids: Sequence[str], reports: Sequence[ProgressReport] = ()) -> Heartbeat:
    """Renew the leases of the trials that the worker holds, those of the reports with them, and take the reports in.

    A trial whose lease has run out but that nobody else was given goes on under the same attempt.
    """
    ids = list(dict.fromkeys([*trial_ids, *(report.trial for report in reports)]))
    return await context.database.write(partial(_heartbeat, context, worker, ids, reports))


def _heartbeat(
    context: Context, worker: str, trial_ids: Sequence[str], reports: Sequence[ProgressReport], session: Session
) -> Heartbeat:
    now = context.database.now(session)
    held_studies = _lock_all(session, trials.study_keys(session, trial_ids))
    found = trials.find(session, trial_ids, lock=True)
    attempts: dict[str, set[int]] = {}
    for report in reports:
        attempts.setdefault(report.trial, set()).add(report.attempt)
    renewed, lost, done = [], [], []
    for trial_id in trial_ids:
        trial = found.get(trial_id)
        if trial is None:
            lost.append((trial_id, "no trial has this id"))
        elif trial.is_settled:
            done.append((trial_id, f"the trial is {trial.state} already; no result is needed"))
        elif trial.state == TrialState.FAILED or trial.worker != worker:
            lost.append((trial_id, _why_lost(trial)))
        elif trial.attempt not in attempts.get(trial_id, {trial.attempt}):
            lost.append((trial_id, _why_lost(trial)))
        else:
            renewed.append(_renew(session, held_studies[trial.study], trial, now))
    stop, dropped = take(session, held_studies, renewed, reports, now)
    gone = dict([*lost, *done])
    unheld = [(report, gone[report.trial]) for report in reports if report.trial in gone]
    return Heartbeat(tuple(renewed), tuple(lost), (*done, *stop), (*unheld, *dropped))


def _lock_all(session: Session, study_ids: Sequence[int]) -> dict[str, Study]:
    """The studies by name, locked; one that is being deleted is left out, with its trials."""
    locked = {}
    for study_id in study_ids:
        try:
            study = studies.lock(session, study_id)
        except StudyNotFound:
            continue
        locked[study.name] = study
    return locked


def _renew(session: Session, study: Study, trial: Trial, now: datetime) -> Trial:
    renewed = replace(trial, lease_expires_at=lease_end(study, now))
    if trial.state == TrialState.RUNNING:
        trials.renew(session, [trial.id], renewed.lease_expires_at)
        return renewed
    records.resume_attempt(session, trial.id, trial.attempt)
    resumed = replace(renewed, state=states.check(trial.state, TrialState.RUNNING))
    trials.save(session, study.id, trial, resumed)
    return resumed


def _why_lost(trial: Trial) -> str:
    if trial.worker is None:
        return "nobody holds the trial, it waits to be handed out; ask for it with suggest"
    if trial.state == TrialState.FAILED:
        return f"{trial.reason}; a result is still accepted until somebody else's comes"
    return f"'{trial.worker}' holds the trial as attempt {trial.attempt}; a result is still accepted until theirs comes"
