"""How the best value of a study came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from service.storage import counts, curves, trials
from service.storage.curves import Completed, Improvement
from service.storage.session import Database
from service.storage.values import Study, TrialState
from service.studies.context import Context
from service.studies.lifecycle import study_named

_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Curve:
    """The best value so far, of the first objective: it changes at the improvements; `evaluations` trials are completed."""

    improvements: Sequence[Improvement]
    evaluations: int


class _Kept(NamedTuple):
    """A curve with the change of its study that it shows, and the last of its trials."""

    curve: Curve
    change: int
    last: Completed | None


_KEPT: WeakKeyDictionary[Database, dict[int, _Kept]] = WeakKeyDictionary()
"""The last curves of each database's studies, by the studies' keys: on a large study one takes a look at every trial."""


async def curve(context: Context, name: str) -> Curve:
    """Raises `StudyNotFound`."""
    return await context.database.read(partial(_curve, context.database, name))


def _curve(database: Database, name: str, session: Session) -> Curve:
    """A completed trial stays as it is, so that a curve holds until one more is completed, and most often goes on with that one."""
    study = study_named(name, session)
    completed = counts.of_studies(session, [study.id])[study.id].get(TrialState.COMPLETED, 0)
    kept = _KEPT.setdefault(database, {})
    found = kept.get(study.id)
    if found is None or found.curve.evaluations != completed:
        found = (found and _extended(session, study, found, completed)) or _whole(session, study, completed)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[study.id] = found
    return found.curve


def _whole(session: Session, study: Study, completed: int) -> _Kept:
    found = Curve(curves.improvements(session, study.id, study.settings.objective), completed)
    return _Kept(found, trials.last_change(session, study.id), curves.last_completed(session, study.id))


def _extended(session: Session, study: Study, kept: _Kept, completed: int) -> _Kept | None:
    """The curve with what was completed since; None where that does not follow what was there."""
    newer = [one for one in curves.completed_since(session, study.id, kept.change) if kept.last is None or one > kept.last]
    if kept.curve.evaluations + len(newer) != completed:
        return None
    found = list(kept.curve.improvements)
    sign = 1 if study.settings.objective == "maximize" else -1
    for evaluations, one in enumerate(newer, start=kept.curve.evaluations + 1):
        if not found or sign * one.value > sign * found[-1].value:
            found.append(Improvement(one.trial, one.number, evaluations, one.value, one.finished_at))
    return _Kept(Curve(found, completed), trials.last_change(session, study.id), newer[-1] if newer else kept.last)
