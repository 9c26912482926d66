"""The kept counts are those of a recount, also where transactions meet or are rolled back."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.storage import counts, studies, trials
from service.storage.session import Database
from service.storage.tables import TrialRow
from service.storage.values import Study, TrialState
from tests.service.storage.test_trials import NOW, SETTINGS, architectures, trial


def created(database: Database, name: str) -> Study:
    return database.write_here(lambda session: studies.create(session, replace(SETTINGS, name=name), NOW))


def recount(session: Session, study: Study) -> Mapping[TrialState, int]:
    query = select(TrialRow.state, func.count()).where(TrialRow.study_id == study.id).group_by(TrialRow.state)
    return {TrialState(state): number for state, number in session.execute(query)}


def kept(session: Session, study: Study) -> Mapping[TrialState, int]:
    return counts.of_studies(session, [study.id])[study.id]


def test_counts_follow_new_trials_and_changes_of_state(database: Database) -> None:
    study, other = created(database, "demo"), created(database, "other")
    made = [trial(number, graph) for number, graph in enumerate(architectures(4), start=1)]
    done = replace(made[0], state=TrialState.COMPLETED, value=0.5)

    def work(session: Session) -> None:
        assert all(trials.add(session, study.id, each) for each in made)
        assert not trials.add(session, study.id, replace(made[0], id="twin", number=9))
        trials.save(session, study.id, made[0], done)
        trials.save(session, study.id, made[1], replace(made[1], worker="another"))
        waiting = replace(made[2], state=TrialState.WAITING)
        trials.save(session, study.id, made[2], waiting)
        trials.save(session, study.id, waiting, made[2])
        trials.add(session, other.id, replace(made[3], id="theirs", number=1, state=TrialState.FAILED))

    database.write_here(work)
    assert database.read_here(lambda session: kept(session, study)) == {TrialState.RUNNING: 3, TrialState.COMPLETED: 1}
    assert database.read_here(lambda session: recount(session, study)) == {TrialState.RUNNING: 3, TrialState.COMPLETED: 1}
    assert database.read_here(counts.of_all) == {TrialState.RUNNING: 3, TrialState.COMPLETED: 1, TrialState.FAILED: 1}
    database.write_here(lambda session: studies.delete(session, other.id))
    assert database.read_here(counts.of_all) == {TrialState.RUNNING: 3, TrialState.COMPLETED: 1}


def test_what_is_rolled_back_does_not_count(database: Database) -> None:
    study = created(database, "demo")

    def work(session: Session) -> None:
        trials.add(session, study.id, trial(1, architectures(1)[0]))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write_here(work)
    assert database.read_here(lambda session: kept(session, study)) == {}


def test_writers_at_once_lose_no_count(database: Database) -> None:
    """Also without the study's row, which the use cases hold."""
    study = created(database, "demo")
    made = [trial(number, graph) for number, graph in enumerate(architectures(24), start=1)]

    def live(number: int) -> None:
        before = made[number]
        after = replace(before, state=(TrialState.COMPLETED, TrialState.FAILED)[number % 2], value=None)
        database.write_here(lambda session: trials.add(session, study.id, before))
        database.write_here(lambda session: trials.save(session, study.id, before, after))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(live, range(len(made))))
    expected = Counter({TrialState.COMPLETED: 12, TrialState.FAILED: 12})
    assert database.read_here(lambda session: kept(session, study)) == expected
    assert database.read_here(lambda session: recount(session, study)) == expected
