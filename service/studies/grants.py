"""Handing out trials in one transaction: what the worker holds, then what waits, then new ones. Proposing is `suggest.py`."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from models.architectures.architecture import Architecture
from service.storage import records, studies, trials
from service.storage.values import Origin, Study, Trial, TrialState
from service.studies import leases, states


@dataclass(frozen=True, slots=True)
class Ask:
    """What one worker wants: `count` trials in all, with those that it holds."""

    worker: str
    count: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposed architecture in canonical order, not yet a trial; `model_hash` is that of the checkpoint which proposed it."""

    architecture: Architecture
    canonical_id: str
    origin: Origin
    model_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The trials of one worker, and how many the study has ever had. `missing` are still wanted; `reason` says why there can
    be no more.
    """

    trials: tuple[Trial, ...]
    trials_created: int
    missing: int
    reason: str | None = None


class Granter:
    """Grants trials of one study inside one transaction, with the study's row locked and overdue leases taken back."""

    def __init__(self, session: Session, study_id: int, now: datetime, new_id: Callable[[], str]) -> None:
        self._session = session
        self._now = now
        self._new_id = new_id
        self.study: Study = studies.lock(session, study_id)
        leases.expire(session, now, self.study)
        self._lease_end = leases.lease_end(self.study, now)

    def grant(self, ask: Ask, offers: deque[Offer]) -> Grant:
        """Up to `ask.count` trials; new ones are taken from the front of `offers`, which shrinks. Of a closed study only those that
        the worker holds already.
        """
        granted = self._held(ask)
        if self.study.closed_at is not None:
            missing = ask.count - len(granted)
            return Grant(tuple(granted), self.study.trials_created, missing, closed_reason(self.study) if missing else None)
        if len(granted) < ask.count:
            granted += [self._hand_out(trial, ask.worker) for trial in self._waiting(ask.count - len(granted))]
        while len(granted) < ask.count and offers and has_budget(self.study):
            created = self._create(offers.popleft(), ask.worker)
            granted += [created] if created else []
        missing = ask.count - len(granted)
        reason = budget_reason(self.study) if missing and not has_budget(self.study) else None
        return Grant(tuple(granted), self.study.trials_created, missing, reason)

    def _held(self, ask: Ask) -> list[Trial]:
        held = trials.held_by(self._session, self.study.id, ask.worker)
        trials.renew(self._session, [trial.id for trial in held], self._lease_end)
        return [replace(trial, lease_expires_at=self._lease_end) for trial in held[: ask.count]]

    def _waiting(self, limit: int) -> list[Trial]:
        return trials.waiting(self._session, self.study.id, limit)

    def _hand_out(self, trial: Trial, worker: str) -> Trial:
        state = states.check(trial.state, TrialState.RUNNING)
        again = replace(trial, state=state, attempt=trial.attempt + 1, worker=worker, lease_expires_at=self._lease_end)
        trials.save(self._session, self.study.id, trial, again)
        records.start_attempt(self._session, again.id, again.attempt, worker, self._now)
        return again

    def _create(self, offer: Offer, worker: str) -> Trial | None:
        trial = new_trial(self.study, self._new_id(), offer, self._now)
        trial = replace(trial, state=TrialState.RUNNING, attempt=1, worker=worker, lease_expires_at=self._lease_end)
        if not trials.add(self._session, self.study.id, trial):
            return None
        records.start_attempt(self._session, trial.id, 1, worker, self._now)
        self.study = replace(self.study, trials_created=trial.number)
        studies.save_progress(self._session, self.study.id, trial.number)
        return trial


def new_trial(study: Study, trial_id: str, offer: Offer, now: datetime) -> Trial:
    """The next trial of a study, waiting to be handed out and not yet stored.

    Of an offer of another checkpoint, as the study had it a moment before, latent point and predictions are left out.
    """
    is_current = offer.model_hash in (None, study.settings.model_hash)
    return Trial(
        id=trial_id,
        study=study.name,
        number=study.trials_created + 1,
        state=TrialState.WAITING,
        attempt=0,
        worker=None,
        lease_expires_at=None,
        architecture=offer.architecture,
        canonical_id=offer.canonical_id,
        origin=offer.origin if is_current else Origin(offer.origin.source),
        model_hash=study.settings.model_hash,
        value=None,
        values=None,
        std=None,
        reason=None,
        finished_attempt=None,
        created_at=now,
        finished_at=None,
    )


def has_budget(study: Study) -> bool:
    """Whether the study may get another trial."""
    return study.settings.max_trials is None or study.trials_created < study.settings.max_trials


def closed_reason(study: Study) -> str:
    return f"study '{study.name}' is closed; reopen it with POST /studies/{study.name}/reopen"


def budget_reason(study: Study) -> str:
    return f"the study's max_trials of {study.settings.max_trials} is reached"
