"""How the best value of a study came about."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.storage import counts, curves
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
        by_state = counts.of_studies(session, [study.id])[study.id]
        found = curves.improvements(session, study.id, study.settings.objective)
        return Curve(found, by_state.get(TrialState.COMPLETED, 0))

    return await context.database.read(work)
