"""Databases that earlier versions of the program have filled go on with all that they hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from models.search.proposal import Limits
from service.storage import counts, fronts, keys, progress, records, schema, studies, trials
from service.storage.session import Database
from service.storage.values import KeyScope, Outcome, Point, Study, TrialState
from tests.service.storage.stored import REVISIONS, fill

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def named(session: Session, name: str) -> Study:
    found = studies.find(session, name)
    assert found is not None
    return found


def test_what_was_stored_at_the_first_revision_goes_on(empty_database: Database) -> None:
    fill(empty_database, "0001")
    schema.upgrade(empty_database)
    study = empty_database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None
    assert (study.settings.objective, study.settings.objectives, study.settings.limits) == ("minimize", (), Limits())
    assert (study.closed_at, study.settings.stopping) == (None, None)
    (trial,) = empty_database.read_here(lambda session: trials.page(session, study.id, None, 0, 10))
    assert (trial.value, trial.values, trial.origin.latent) == (0.25, None, (0.5,))
    assert empty_database.read_here(counts.of_all) == {TrialState.COMPLETED: 1}
    (observation,) = empty_database.read_here(lambda session: trials.observations(session, study))
    assert (observation.value, observation.further) == (0.25, ())
    (attempt,) = empty_database.read_here(lambda session: records.attempts(session, "t1"))
    assert (attempt.worker, attempt.outcome) == ("w", "completed")
    # The same report again is recognised, so that it is kept once.
    same = Outcome(TrialState.COMPLETED, 0.25)
    report = records.Report("t1", 1, same, None)
    empty_database.write_here(lambda session: records.add_observations(session, [report], False, trial.created_at))
    (kept,) = empty_database.read_here(lambda session: records.observations(session, "t1"))
    assert (kept.outcome, kept.late) == (same, False)
    # What is new since then works on what was there.
    point = Point(3, 0.5, 1, 0.5, 0.5, None)
    empty_database.write_here(lambda session: progress.add(session, study.id, [(trial, point)], trial.created_at))
    assert empty_database.read_here(lambda session: progress.around(session, trial, 4, 4)) == [point]
    empty_database.write_here(lambda session: studies.delete(session, study.id))
    assert empty_database.read_here(lambda session: records.observations(session, "t1")) == []


def test_what_a_revision_cannot_hold_goes_when_it_is_taken_back(empty_database: Database) -> None:
    fill(empty_database, "0001")
    schema.upgrade(empty_database)
    study = empty_database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None

    def train_again(session: Session) -> None:
        first = trials.find(session, ["t1"])["t1"]
        again = replace(first, id="t2", number=2, replicate=1, state=TrialState.RUNNING, value=None)
        trials.add(session, study.id, again)
        records.start_attempt(session, "t2", 1, "w", first.created_at)
        records.add_observations(session, [records.Report("t2", 1, Outcome(TrialState.FAILED), None)], True, first.created_at)
        progress.add(session, study.id, [(again, Point(3, 0.5, 1, 0.5, 0.5, None))], first.created_at)

    empty_database.write_here(train_again)
    schema.downgrade(empty_database, "0001")
    schema.upgrade(empty_database)
    (left,) = empty_database.read_here(lambda session: trials.page(session, study.id, None, 0, 10))
    assert (left.id, left.value) == ("t1", 0.25)
    assert empty_database.read_here(lambda session: records.attempts(session, "t2")) == []
    assert len(empty_database.read_here(lambda session: records.attempts(session, "t1"))) == 1


def check_first(session: Session) -> None:
    study = named(session, "old")
    (trial,) = [each for each in trials.page(session, study.id, None, 0, 10) if each.id == "t1"]
    assert (trial.value, trial.origin.latent) == (0.25, (0.5,))
    (kept,) = records.observations(session, "t1")
    assert kept.outcome == Outcome(TrialState.COMPLETED, 0.25)


def check_objectives(session: Session) -> None:
    study = named(session, "two")
    assert [objective.name for objective in study.settings.objectives] == ["accuracy", "seconds"]
    assert study.settings.limits == Limits(parameters=1_000_000)
    assert [each.values for each in trials.page(session, study.id, None, 0, 10)] == [
        {"accuracy": 0.9, "seconds": 3.5},
        {"accuracy": 0.8, "seconds": 4.5},
    ]


def check_closed(session: Session) -> None:
    assert (named(session, "two").closed_at, named(session, "old").closed_at) == (AT, None)


def check_keys(session: Session) -> None:
    assert keys.scope_of(session, "0f" * 32) is KeyScope.OBSERVE


def check_notes_and_replicates(session: Session) -> None:
    study = named(session, "old")
    assert (study.annotation.note, study.annotation.tags) == ("of last year", ("baseline",))
    assert [each.id for each in trials.page(session, study.id, None, 0, 10, tag="suspect")] == ["t1"]
    assert trials.last_replicate(session, study.id, "c") == 1
    assert [each.id for each in trials.waiting(session, study.id, 10)] == ["t2"]


def check_progress(session: Session) -> None:
    study = named(session, "old")
    assert study.settings.stopping is not None
    assert progress.means_at(session, study.id, 3, 10) == {"t1": 0.5}


def check_counts(session: Session) -> None:
    counted = counts.of_studies(session, [1, 2])
    held = {TrialState.COMPLETED: 1, TrialState.WAITING: 1, TrialState.FAILED: 1}
    assert counted == {1: held, 2: {TrialState.COMPLETED: 2}}


def check_fronts(session: Session) -> None:
    study = named(session, "two")
    assert fronts.accounted(session, study.id) == 2
    assert [member.trial_id for member in fronts.members(session, study)] == ["u1"]


CHECKS: dict[str, Callable[[Session], None]] = {
    "0001": check_first,
    "0002": check_objectives,
    "0003": check_closed,
    "0004": check_keys,
    "0005": check_notes_and_replicates,
    "0006": check_progress,
    "0007": check_counts,
    "0008": check_fronts,
}


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_past_revision_is_upgraded_with_what_it_brought(empty_database: Database, revision: str) -> None:
    fill(empty_database, revision)
    schema.upgrade(empty_database)
    schema.check(empty_database)
    for brought, check in CHECKS.items():
        if brought <= revision:
            empty_database.read_here(check)


def test_every_revision_that_adds_something_to_store_is_checked() -> None:
    assert tuple(CHECKS) == REVISIONS
