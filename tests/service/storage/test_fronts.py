"""The kept front against one computed from all points."""

from dataclasses import replace

import numpy as np
import pytest

from models.search.dominance import non_dominated
from service.storage import fronts, studies, trials
from service.storage.fronts import Member
from service.storage.session import Database
from service.storage.values import Study, TrialState
from tests.service.storage.test_trials import NOW, SETTINGS, architectures, trial


def study_of(database: Database, name: str, size: int) -> Study:
    """A study with completed trials `name-1` to `name-size`."""
    study = database.write_here(lambda session: studies.create(session, replace(SETTINGS, name=name), NOW))
    for number, graph in enumerate(architectures(size), start=1):
        done = trial(number, graph, id=f"{name}-{number}", study=name, state=TrialState.COMPLETED, value=0.0)
        database.write_here(lambda session, done=done: trials.add(session, study.id, done))
    return study


@pytest.mark.parametrize("num_objectives", [1, 2, 3])
def test_the_front_is_that_of_all_points_offered(database: Database, num_objectives: int) -> None:
    study, other = study_of(database, "one", 60), study_of(database, "other", 1)
    # so few different values that points are equal, and equal in some objectives
    points = np.random.default_rng(num_objectives).integers(-4, 4, (60, num_objectives)).astype(np.float64)
    database.write_here(lambda session: fronts.offer(session, other.id, Member("other-1", 1, [9.0] * num_objectives)))
    for size in range(1, 61):
        member = Member(f"one-{size}", size, points[size - 1].tolist())
        database.write_here(lambda session, member=member: fronts.offer(session, study.id, member))
        if size in (1, 2, 10, 60):
            places = np.flatnonzero(non_dominated(points[:size]))
            order = places[np.argsort(-points[places, 0], kind="stable")]
            expected = [f"one-{place + 1}" for place in order.tolist()]
            assert database.read_here(lambda session: fronts.best(session, study.id, 100)) == (expected, len(expected))
    found, size = database.read_here(lambda session: fronts.best(session, study.id, 2))
    assert (found, size) == (expected[:2], len(expected))
    assert database.read_here(lambda session: fronts.best(session, other.id, 100)) == (["other-1"], 1)


def test_a_front_is_replaced_as_a_whole_and_goes_with_its_study(database: Database) -> None:
    study = study_of(database, "one", 3)
    for numbers in ([1, 2], [3], []):
        members = [Member(f"one-{number}", number, (0.5, -1.0)) for number in numbers]
        database.write_here(lambda session, members=members: fronts.replace(session, study.id, members))
        found, size = database.read_here(lambda session: fronts.best(session, study.id, 9))
        assert (found, size) == ([f"one-{number}" for number in numbers], len(numbers))
    database.write_here(lambda session: fronts.offer(session, study.id, Member("one-1", 1, (0.5,))))
    database.write_here(lambda session: studies.delete(session, study.id))
    assert database.read_here(lambda session: fronts.best(session, study.id, 9)) == ([], 0)


def test_a_study_remembers_what_its_front_accounts_for(database: Database) -> None:
    study = study_of(database, "one", 1)
    assert database.read_here(lambda session: fronts.accounted(session, study.id)) == 0
    database.write_here(lambda session: fronts.account(session, study.id, 7))
    assert database.read_here(lambda session: fronts.accounted(session, study.id)) == 7
