"""How the best value of a study came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from service.storage import counts, curves
from service.storage.curves import Improvement
from service.storage.session import Database
from service.storage.values import TrialState
from service.studies.context import Context
from service.studies.lifecycle import study_named

_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """The best value so far, of the first objective: it changes at the improvements; `evaluations` trials are completed."""

    improvements: Sequence[Improvement]
    evaluations: int


_KEPT: WeakKeyDictionary[Database, dict[int, Curve]] = WeakKeyDictionary()
"""The last curves of each database's studies, by the studies' keys: on a large study one takes a look at every trial."""


async def curve(context: Context, name: str) -> Curve:
    """Raises `StudyNotFound`."""
    return await context.database.read(partial(_curve, context.database, name))


def _curve(database: Database, name: str, session: Session) -> Curve:
    """A completed trial stays as it is, so that a curve holds until one more is completed."""
    study = study_named(name, session)
    completed = counts.of_studies(session, [study.id])[study.id].get(TrialState.COMPLETED, 0)
    kept = _KEPT.setdefault(database, {})
    found = kept.get(study.id)
    if found is None or found.evaluations != completed:
        found = Curve(curves.improvements(session, study.id, study.settings.objective), completed)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[study.id] = found
    return found
