"""How many trials of each study are in each state: kept as trials change, so that nobody has to count a million.

`trials.py` notes each change, and `Database.write` stores what was noted as the last thing in the transaction. Whoever changes the
state of trials holds the study's row, so that transactions meet there and not here.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.storage.dialects import insert_of
from service.storage.tables import TrialCountRow
from service.storage.values import TrialState

_NOTED = "svge_trial_counts"


def note(session: Session, study_id: int, before: TrialState | None, after: TrialState) -> None:
    """A trial has come into a state, out of the state `before` unless it is new."""
    if before == after:
        return
    noted: Counter[tuple[int, str]] = session.info.setdefault(_NOTED, Counter())
    noted[study_id, after] += 1
    if before is not None:
        noted[study_id, before] -= 1


def store(session: Session) -> None:
    """Bring the stored counts up to what was noted in this transaction."""
    noted: Counter[tuple[int, str]] = session.info.pop(_NOTED, Counter())
    changes = [{"study_id": key, "state": state, "count": change} for (key, state), change in sorted(noted.items()) if change]
    if not changes:
        return
    added = insert_of(session, TrialCountRow).values(changes)
    sums = {"count": TrialCountRow.count + added.excluded["count"]}
    session.execute(added.on_conflict_do_update(index_elements=["study_id", "state"], set_=sums))


def of_studies(session: Session, study_ids: Sequence[int]) -> dict[int, dict[TrialState, int]]:
    """How many trials of each study are in each state at the transaction's start; states without trials are left out."""
    counts: dict[int, dict[TrialState, int]] = {study_id: {} for study_id in study_ids}
    query = select(TrialCountRow.study_id, TrialCountRow.state, TrialCountRow.count)
    for study_id, state, count in session.execute(query.where(TrialCountRow.study_id.in_(study_ids), TrialCountRow.count > 0)):
        counts[study_id][TrialState(state)] = count
    return counts


def of_all(session: Session) -> dict[TrialState, int]:
    """How many trials of all studies are in each state; states without trials are left out."""
    rows = session.execute(select(TrialCountRow.state, func.sum(TrialCountRow.count)).group_by(TrialCountRow.state))
    return {TrialState(state): int(count) for state, count in rows if count}
