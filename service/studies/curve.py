"""How the best value of a study came about."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.storage import curves, studies
from service.storage.curves import Improvement
from service.storage.values import TrialState
from service.studies.context import Context
from service.studies.lifecycle import study_named


@dataclass(frozen=True, slots=True)
class Curve:
    """The best value so far, of the first objective: it changes at the improvements; `evaluations` trials are completed."""

    improvements: Sequence[Improvement]
    evaluations: int


async def curve(context: Context, name: str) -> Curve:
    """Raises `StudyNotFound`."""

    def work(session: Session) -> Curve:
        study = study_named(name, session)
        counts = studies.count_trials(session, [study.id])[study.id]
        found = curves.improvements(session, study.id, study.settings.objective)
        return Curve(found, counts.get(TrialState.COMPLETED, 0))

    return await context.database.read(work)
