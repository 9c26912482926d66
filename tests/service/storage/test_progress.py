from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from service.storage import progress
from service.storage.session import Database
from service.storage.values import Point, Study, Trial
from tests.service.storage.test_trials import NOW, explained, stored, study

__all__ = ["study"]


def point(step: int, value: float, rung: int | None = None) -> Point:
    return Point(step, value, step, value / 2, value, rung)


def put(database: Database, study: Study, trial: Trial, *points: Point) -> None:
    database.write_here(lambda session: progress.add(session, study.id, [(trial, each) for each in points], NOW))


def test_around_a_step_are_those_from_the_one_before(database: Database, study: Study) -> None:
    first, second = stored(database, study, [None, None])
    made = [point(step, step / 10, rung=step) for step in (1, 3, 5, 9)]
    put(database, study, first, *made)
    put(database, study, second, point(4, 0.4))
    for low, high, expected in ((1, 1, made[:1]), (2, 2, made[:1]), (4, 5, made[1:3]), (6, 8, made[2:3]), (3, 90, made)):
        assert database.read_here(lambda session, low=low, high=high: progress.around(session, first, low, high)) == expected


def test_peers_are_the_newest_of_a_study_and_of_a_trial_its_newest_attempt(database: Database, study: Study) -> None:
    made = stored(database, study, [None] * 4)
    for place, trial in enumerate(made):
        put(database, study, trial, point(3, float(place), rung=3), point(4, 9.0))
    put(database, study, replace(made[1], attempt=2), point(3, 8.0, rung=3))
    values = database.read_here(lambda session: progress.values_at_rung(session, study.id, 3, 10))
    assert values == {"t1": 0.0, "t2": 8.0, "t3": 2.0, "t4": 3.0}
    means = database.read_here(lambda session: progress.means_at(session, study.id, 3, 3))
    assert means == {"t2": 4.0, "t3": 1.0, "t4": 1.5}
    assert database.read_here(lambda session: progress.means_at(session, study.id + 1, 3, 3)) == {}
    assert database.read_here(lambda session: progress.values_at_rung(session, study.id, 4, 3)) == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_query_scans_or_sorts_what_a_study_has_reported(database: Database, study: Study) -> None:
    (trial,) = stored(database, study, [None])
    queries: dict[str, Callable[[Session], object]] = {
        "around": lambda session: progress.around(session, trial, 3, 4),
        "means": lambda session: progress.means_at(session, study.id, 3, 10),
        "rung": lambda session: progress.values_at_rung(session, study.id, 3, 10),
        "page": lambda session: progress.page(session, trial.id, (1, 3), 10),
    }
    for name, query in queries.items():
        plan = explained(database, query)
        assert any("SEARCH svge_progress USING" in step and "INDEX" in step for step in plan), (name, plan)
        assert not any(step.startswith("SCAN svge_progress") or "TEMP B-TREE" in step for step in plan), (name, plan)
