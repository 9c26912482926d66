"""Which observations stand for a study that has too many of them to be looked at for every proposal."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.storage.tables import TrialRow
from service.storage.values import Study, TrialState


def telling_numbers(session: Session, study: Study, limit: int) -> list[int]:
    """The numbers of at most `limit` trials, in order: of the completed ones the best and the newest quarter of `limit`, and of all
    trials every so-and-so-many-th, at most half of it.

    The step of the spread is a power of two, so that it stays the same while the study doubles: what the search has encoded already
    is asked for again. With several objectives the best are those of the first.
    """
    order = TrialRow.value.desc() if study.settings.objective == "maximize" else TrialRow.value.asc()
    completed = select(TrialRow.number).where(TrialRow.study_id == study.id, TrialRow.state == TrialState.COMPLETED)
    best = session.scalars(completed.order_by(order, TrialRow.number).limit(limit // 4))
    newest = session.scalars(completed.order_by(TrialRow.number.desc()).limit(limit // 4))
    step = 1
    while study.trials_created // step > limit // 2:
        step *= 2
    return sorted({*best, *newest, *range(step, study.trials_created + 1, step)})
