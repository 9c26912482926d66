import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from service.storage import schema
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


def table_names(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_the_migrated_schema_is_that_of_the_tables(empty_database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    schema.upgrade(empty_database)
    schema.check(empty_database)
    assert table_names(empty_database) == {*Table.metadata.tables, VERSION_TABLE}
    assert empty_database.read_here(schema.current_revision) == schema.head_revision()


def test_every_name_of_ours_has_the_prefix(empty_database: Database) -> None:
    schema.upgrade(empty_database)
    assert all(name.startswith(TABLE_PREFIX) for name in table_names(empty_database))


def test_migrations_go_down_and_up_again(empty_database: Database) -> None:
    schema.upgrade(empty_database)
    schema.downgrade(empty_database, "base")
    assert table_names(empty_database) == {VERSION_TABLE}
    assert empty_database.read_here(schema.current_revision) is None
    schema.upgrade(empty_database)
    assert empty_database.read_here(schema.current_revision) == schema.head_revision()


def test_an_empty_database_has_no_revision(empty_database: Database) -> None:
    assert empty_database.read_here(schema.current_revision) is None


def test_tables_of_other_programs_are_left_alone(empty_database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for statement in ("CREATE TABLE alembic_version (version_num VARCHAR(32))", "CREATE TABLE experiments (id INTEGER)"):
        empty_database.write_here(lambda session, statement=statement: session.execute(text(statement)))
    schema.upgrade(empty_database)
    schema.check(empty_database)
    schema.downgrade(empty_database, "base")
    assert {"alembic_version", "experiments"} <= table_names(empty_database)


def test_processes_that_start_at_once_on_an_empty_database_all_succeed(empty_database: Database, empty_database_url: str) -> None:
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
    assert empty_database.read_here(schema.current_revision) == schema.head_revision()
