import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from models.search.proposal import Limits
from service.storage import counts, progress, records, schema, studies, trials
from service.storage.session import Database
from service.storage.tables import TABLE_PREFIX, VERSION_TABLE, Table
from service.storage.values import Outcome, Point, TrialState

ROOT = Path(__file__).parents[3]
UPGRADE = """
import sys
from service.storage import schema
from service.storage.session import Database
sys.stdin.readline()
schema.upgrade(Database(sys.argv[1]))
"""


# The fingerprint is the SHA-256 of '["completed", 0.25, null, null, null]'.
STORED_AT_REVISION_1 = """
INSERT INTO svge_studies (
    id, name, space, objective, seed, strategy, initial_size, lease_seconds, max_attempts, model_hash, trials_created, created_at
) VALUES (1, 'old', 'nasbench201', 'minimize', 3, 'svge', 10, 900, 3, 'abc', 1, '2026-01-31 12:00:00');
INSERT INTO svge_trials (
    id, study_id, number, state, attempt, worker, architecture, canonical_id, source, latent, observations_seen, model_hash, value,
    finished_attempt, created_at, finished_at
) VALUES (
    't1', 1, 1, 'completed', 1, 'w', '{"nodes":["input","output"],"edges":[[0,1]]}', 'c', 'initial', '[0.5]', 0, 'abc', 0.25,
    1, '2026-01-31 12:00:00', '2026-01-31 12:10:00'
);
INSERT INTO svge_attempts (trial_id, attempt, worker, started_at, ended_at, outcome)
    VALUES ('t1', 1, 'w', '2026-01-31 12:00:00', '2026-01-31 12:10:00', 'completed');
INSERT INTO svge_observations (trial_id, attempt, fingerprint, status, value, late, received_at)
    VALUES ('t1', 1, 'FINGERPRINT', 'completed', 0.25, false, '2026-01-31 12:10:00')
""".replace("FINGERPRINT", hashlib.sha256(b'["completed", 0.25, null, null, null]').hexdigest())


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


def fill_the_first_revision(database: Database) -> None:
    schema.upgrade(database, "0001")
    for statement in STORED_AT_REVISION_1.split(";"):
        database.write_here(lambda session, statement=statement: session.execute(text(statement)))


def table_names(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_the_migrated_schema_is_that_of_the_tables(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    schema.upgrade(database)
    schema.check(database)
    assert table_names(database) == {*Table.metadata.tables, VERSION_TABLE}
    assert database.read_here(schema.current_revision) == schema.head_revision()


def test_every_name_of_ours_has_the_prefix(database: Database) -> None:
    schema.upgrade(database)
    assert all(name.startswith(TABLE_PREFIX) for name in table_names(database))


def test_migrations_go_down_and_up_again(database: Database) -> None:
    schema.upgrade(database)
    schema.downgrade(database, "base")
    assert table_names(database) == {VERSION_TABLE}
    assert database.read_here(schema.current_revision) is None
    schema.upgrade(database)
    assert database.read_here(schema.current_revision) == schema.head_revision()


def test_what_was_stored_at_the_first_revision_goes_on(database: Database) -> None:
    fill_the_first_revision(database)
    schema.upgrade(database)
    study = database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None
    assert (study.settings.objective, study.settings.objectives, study.settings.limits) == ("minimize", (), Limits())
    assert (study.closed_at, study.settings.stopping) == (None, None)
    (trial,) = database.read_here(lambda session: trials.page(session, study.id, None, 0, 10))
    assert (trial.value, trial.values, trial.origin.latent) == (0.25, None, (0.5,))
    assert database.read_here(counts.of_all) == {TrialState.COMPLETED: 1}
    (observation,) = database.read_here(lambda session: trials.observations(session, study))
    assert (observation.value, observation.further) == (0.25, ())
    (attempt,) = database.read_here(lambda session: records.attempts(session, "t1"))
    assert (attempt.worker, attempt.outcome) == ("w", "completed")
    # The same report again is recognised, so that it is kept once.
    same = Outcome(TrialState.COMPLETED, 0.25)
    report = records.Report("t1", 1, same, None)
    database.write_here(lambda session: records.add_observations(session, [report], False, trial.created_at))
    (kept,) = database.read_here(lambda session: records.observations(session, "t1"))
    assert (kept.outcome, kept.late) == (same, False)
    # What is new since then works on what was there.
    point = Point(3, 0.5, 1, 0.5, 0.5, None)
    database.write_here(lambda session: progress.add(session, study.id, [(trial, point)], trial.created_at))
    assert database.read_here(lambda session: progress.around(session, trial, 4, 4)) == [point]
    database.write_here(lambda session: studies.delete(session, study.id))
    assert database.read_here(lambda session: records.observations(session, "t1")) == []


def test_what_a_revision_cannot_hold_goes_when_it_is_taken_back(database: Database) -> None:
    fill_the_first_revision(database)
    schema.upgrade(database)
    study = database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None

    def train_again(session: Session) -> None:
        first = trials.find(session, ["t1"])["t1"]
        again = replace(first, id="t2", number=2, replicate=1, state=TrialState.RUNNING, value=None)
        trials.add(session, study.id, again)
        records.start_attempt(session, "t2", 1, "w", first.created_at)
        records.add_observations(session, [records.Report("t2", 1, Outcome(TrialState.FAILED), None)], True, first.created_at)
        progress.add(session, study.id, [(again, Point(3, 0.5, 1, 0.5, 0.5, None))], first.created_at)

    database.write_here(train_again)
    schema.downgrade(database, "0001")
    schema.upgrade(database)
    (left,) = database.read_here(lambda session: trials.page(session, study.id, None, 0, 10))
    assert (left.id, left.value) == ("t1", 0.25)
    assert database.read_here(lambda session: records.attempts(session, "t2")) == []
    assert len(database.read_here(lambda session: records.attempts(session, "t1"))) == 1


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"])
def test_every_past_revision_is_upgraded_with_what_it_holds(database: Database, revision: str) -> None:
    fill_the_first_revision(database)
    schema.upgrade(database, revision)
    schema.upgrade(database)
    schema.check(database)
    study = database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None
    (trial,) = database.read_here(lambda session: trials.page(session, study.id, None, 0, 10))
    assert (trial.id, trial.value) == ("t1", 0.25)
    (kept,) = database.read_here(lambda session: records.observations(session, "t1"))
    assert kept.outcome == Outcome(TrialState.COMPLETED, 0.25)


def test_an_empty_database_has_no_revision(database: Database) -> None:
    assert database.read_here(schema.current_revision) is None


def test_tables_of_other_programs_are_left_alone(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for statement in ("CREATE TABLE alembic_version (version_num VARCHAR(32))", "CREATE TABLE experiments (id INTEGER)"):
        database.write_here(lambda session, statement=statement: session.execute(text(statement)))
    schema.upgrade(database)
    schema.check(database)
    schema.downgrade(database, "base")
    assert {"alembic_version", "experiments"} <= table_names(database)


def test_processes_that_start_at_once_on_an_empty_database_all_succeed(database: Database, empty_database_url: str) -> None:
    url = empty_database_url
    processes = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, url], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [(process.communicate()[1], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0, 0, 0], outcomes
    assert database.read_here(schema.current_revision) == schema.head_revision()
