"""One trial with all that is known of it: its attempts and the reports that came in."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.errors import TrialNotFound
from service.storage import records, trials
from service.storage.values import Attempt, StoredObservation, Trial
from service.studies.context import Context


@dataclass(frozen=True, slots=True)
class TrialHistory:
    """A trial, its attempts in order, and its reports in order of arrival."""

    trial: Trial
    attempts: Sequence[Attempt]
    observations: Sequence[StoredObservation]


def trial_with_id(trial_id: str, session: Session) -> Trial:
    """Raises `TrialNotFound`."""
    trial = trials.find(session, [trial_id]).get(trial_id)
    if trial is None:
        raise TrialNotFound(f"there is no trial '{trial_id}'; send the id that suggest answered")
    return trial


async def read_trial(context: Context, trial_id: str) -> TrialHistory:
    """Raises `TrialNotFound`."""

    def work(session: Session) -> TrialHistory:
        trial = trial_with_id(trial_id, session)
        return TrialHistory(trial, records.attempts(session, trial_id), records.observations(session, trial_id))

    return await context.database.read(work)
