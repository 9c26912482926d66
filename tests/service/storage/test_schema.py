import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from models.search.proposal import Limits
from service.storage import schema, studies
from service.storage.session import Database
from service.storage.tables import TABLE_PREFIX, VERSION_TABLE, Table

ROOT = Path(__file__).parents[3]
UPGRADE = """
import sys
from service.storage import schema
from service.storage.session import Database
sys.stdin.readline()
schema.upgrade(Database(sys.argv[1]))
"""


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


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


def test_a_study_from_before_several_objectives_goes_on(database: Database) -> None:
    schema.upgrade(database)
    schema.downgrade(database, "0001")
    columns = (
        "name, space, objective, seed, strategy, initial_size, lease_seconds, max_attempts, model_hash, trials_created, created_at"
    )
    values = "'old', 'nasbench201', 'minimize', 3, 'svge', 10, 900, 3, 'abc', 0, '2026-01-31 12:00:00'"
    database.write_here(lambda session: session.execute(text(f"INSERT INTO svge_studies ({columns}) VALUES ({values})")))
    schema.upgrade(database)
    study = database.read_here(lambda session: studies.find(session, "old"))
    assert study is not None
    assert (study.settings.objective, study.settings.objectives, study.settings.limits) == ("minimize", (), Limits())


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
