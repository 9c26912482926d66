"""Leases of running trials: how long they last, what happens when they run out, and heartbeats that renew them."""

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

_SWEEP_SIZE = 500


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a heartbeat: trials whose lease is renewed, and with a reason each those that are lost or need no result."""

    renewed: tuple[Trial, ...]
    lost: tuple[tuple[str, str], ...]
    stop: tuple[tuple[str, str], ...]


def lease_end(study: Study, now: datetime) -> datetime | None:
    """When a lease that begins now runs out; None where leases never do."""
    seconds = study.settings.lease_seconds
    return now + timedelta(seconds=seconds) if seconds else None


def expire(session: Session, now: datetime, study_id: int) -> int:
    """Take the trials of a locked study whose lease has run out from their workers; answers how many.

    Such a trial waits for the next asker, or has failed after its last attempt.
    """
    overdue = trials.expired(session, now, study_id, _SWEEP_SIZE)
    for trial, max_attempts in overdue:
        records.end_attempt(session, trial.id, trial.attempt, "expired", now)
        if trial.attempt < max_attempts:
            state = states.check(trial.state, TrialState.WAITING)
            trials.save(session, study_id, trial, replace(trial, state=state, lease_expires_at=None))
        else:
            state = states.check(trial.state, TrialState.FAILED)
            reason = f"the lease ran out in each of {max_attempts} attempts"
            failed = replace(trial, state=state, lease_expires_at=None, reason=reason, finished_at=now)
            trials.save(session, study_id, trial, failed)
    metrics.expired_leases.inc(len(overdue))
    return len(overdue)


async def sweep(context: Context) -> int:
    """Apply every lease that has run out, whatever the study; answers how many. Takes the write lock only if there is one."""
    database = context.database
    swept = 0
    while key := await database.read(lambda session: trials.expired_study(session, database.now(session))):
        swept += await database.write(partial(_sweep_study, context, key))
    return swept


def _sweep_study(context: Context, study_id: int, session: Session) -> int:
    try:
        studies.lock(session, study_id)
    except StudyNotFound:
        return 0
    return expire(session, context.database.now(session), study_id)


async def heartbeat(context: Context, worker: str, trial_ids: Sequence[str]) -> Heartbeat:
    """Renew the leases of the trials that the worker holds.

    A trial whose lease has run out but that nobody else was given goes on under the same attempt.
    """
    return await context.database.write(partial(_heartbeat, context, worker, list(dict.fromkeys(trial_ids))))


def _heartbeat(context: Context, worker: str, trial_ids: Sequence[str], session: Session) -> Heartbeat:
    now = context.database.now(session)
    held_studies = {study.name: study for study in (studies.lock(session, key) for key in trials.study_keys(session, trial_ids))}
    found = trials.find(session, trial_ids, lock=True)
    renewed, lost, stop = [], [], []
    for trial_id in trial_ids:
        trial = found.get(trial_id)
        if trial is None:
            lost.append((trial_id, "no trial has this id"))
        elif trial.is_settled:
            stop.append((trial_id, f"the trial is {trial.state} already; no result is needed"))
        elif trial.state == TrialState.FAILED or trial.worker != worker:
            lost.append((trial_id, _why_lost(trial)))
        else:
            renewed.append(_renew(session, held_studies[trial.study], trial, now))
    return Heartbeat(tuple(renewed), tuple(lost), tuple(stop))


def _renew(session: Session, study: Study, trial: Trial, now: datetime) -> Trial:
    renewed = replace(trial, lease_expires_at=lease_end(study, now))
    if trial.state == TrialState.WAITING:
        records.resume_attempt(session, trial.id, trial.attempt)
        renewed = replace(renewed, state=states.check(trial.state, TrialState.RUNNING))
    trials.save(session, study.id, trial, renewed)
    return renewed


def _why_lost(trial: Trial) -> str:
    if trial.worker is None:
        return "nobody holds the trial, it waits to be handed out; ask for it with suggest"
    if trial.state == TrialState.FAILED:
        return f"{trial.reason}; a result is still accepted until somebody else's comes"
    return f"'{trial.worker}' holds the trial as attempt {trial.attempt}; a result is still accepted until theirs comes"
