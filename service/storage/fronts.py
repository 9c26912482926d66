"""The best trade-offs of studies whose objectives have names, kept as trials are completed. Whose turn it is to be let in, and when
all trials are looked at again, is in `studies/pareto.py`.

A study remembers how many completed trials its front accounts for: where that is not all of them, the front is not used.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from service.storage.tables import FrontRow, StudyRow
from service.storage.values import Study

_OUTCOMES = (FrontRow.first, FrontRow.second, FrontRow.third)


class Member(NamedTuple):
    """A completed trial with its outcomes in the order of the objectives, all of them to be maximised."""

    trial_id: str
    number: int
    outcomes: Sequence[float]


def accounted(session: Session, study_id: int) -> int:
    """How many completed trials the front of a study accounts for."""
    return session.scalar(select(StudyRow.front_trials).where(StudyRow.id == study_id)) or 0


def account(session: Session, study_id: int, completed: int) -> None:
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(front_trials=completed))


def best(session: Session, study_id: int, limit: int) -> tuple[list[str], int]:
    """The ids of at most `limit` members, those with the best first outcome first and of equal ones the oldest, and how many there
    are.
    """
    query = select(FrontRow.trial_id).where(FrontRow.study_id == study_id)
    size = session.scalar(select(func.count()).select_from(FrontRow).where(FrontRow.study_id == study_id)) or 0
    return list(session.scalars(query.order_by(FrontRow.first.desc(), FrontRow.number).limit(limit))), size


def members(session: Session, study: Study, limit: int | None = None) -> list[Member]:
    """The whole front; with `limit` at most so many of it, in the order of `best`."""
    query = select(FrontRow.trial_id, FrontRow.number, *_OUTCOMES).where(FrontRow.study_id == study.id)
    rows = session.execute(query.order_by(FrontRow.first.desc(), FrontRow.number).limit(limit))
    size = len(study.settings.objectives)
    return [Member(trial_id, number, tuple(outcomes)[:size]) for trial_id, number, *outcomes in rows]


def replace(session: Session, study_id: int, members: Iterable[Member]) -> None:
    """Make these the front."""
    session.execute(delete(FrontRow).where(FrontRow.study_id == study_id))
    rows = [_row(study_id, member) for member in members]
    if rows:
        session.execute(insert(FrontRow), rows)


def offer(session: Session, study_id: int, member: Member) -> None:
    """Take a trial into the front unless a member dominates it; members that it dominates leave."""
    pairs = list(zip(_OUTCOMES, _padded(member), strict=True))
    ours = FrontRow.study_id == study_id
    as_good, better = [column >= value for column, value in pairs], or_(*(column > value for column, value in pairs))
    if session.scalar(select(FrontRow.trial_id).where(ours, *as_good, better).limit(1)) is not None:
        return
    as_bad, worse = [column <= value for column, value in pairs], or_(*(column < value for column, value in pairs))
    session.execute(delete(FrontRow).where(ours, *as_bad, worse))
    session.execute(insert(FrontRow), [_row(study_id, member)])


def _row(study_id: int, member: Member) -> dict[str, Any]:
    outcomes = dict(zip(("first", "second", "third"), _padded(member), strict=True))
    return {"study_id": study_id, "trial_id": member.trial_id, "number": member.number, **outcomes}


def _padded(member: Member) -> tuple[float, ...]:
    """The outcomes with zeros for the objectives that the study has less than the table."""
    return (*member.outcomes, *(0.0,) * (len(_OUTCOMES) - len(member.outcomes)))
