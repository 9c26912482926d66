import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.errors import DatabaseUnavailable, StorageFull
from service.storage import schema
from service.storage.session import Database
from tests import postgres


def database(folder: Path) -> Database:
    return Database(f"sqlite:///{folder}/deep/er/test.db")


def count(session: Session) -> int:
    return session.execute(text("SELECT count(*) FROM numbers")).scalar_one()


def test_the_folder_of_a_database_file_is_created(tmp_path: Path) -> None:
    database(tmp_path).read_here(lambda session: session.execute(text("SELECT 1")))
    assert (tmp_path / "deep" / "er").is_dir()


def test_a_commit_is_on_the_disk_and_keys_are_checked(tmp_path: Path) -> None:
    found = database(tmp_path).read_here(
        lambda session: [
            session.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert found == ["wal", 2, 1]  # 2 is FULL


def test_a_write_is_kept_when_the_work_returns_and_undone_when_it_raises(tmp_path: Path) -> None:
    target = database(tmp_path)
    target.write_here(lambda session: session.execute(text("CREATE TABLE numbers (n INTEGER)")))
    target.write_here(lambda session: session.execute(text("INSERT INTO numbers VALUES (1)")))

    def fail(session: Session) -> None:
        session.execute(text("INSERT INTO numbers VALUES (2)"))
        raise RuntimeError("in the midst of it")

    with pytest.raises(RuntimeError, match="midst"):
        target.write_here(fail)
    assert target.read_here(count) == 1


def test_a_read_stores_nothing(tmp_path: Path) -> None:
    target = database(tmp_path)
    target.write_here(lambda session: session.execute(text("CREATE TABLE numbers (n INTEGER)")))
    target.read_here(lambda session: session.execute(text("INSERT INTO numbers VALUES (1)")))
    assert target.read_here(count) == 0


def test_writers_in_many_threads_all_get_their_turn(tmp_path: Path) -> None:
    target = database(tmp_path)
    target.write_here(lambda session: session.execute(text("CREATE TABLE numbers (n INTEGER)")))

    def increase(session: Session) -> None:
        session.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": count(session)})

    async def race() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(target.write, increase)

    anyio.run(race)
    stored = target.read_here(lambda session: session.execute(text("SELECT n FROM numbers ORDER BY n")).scalars().all())
    assert stored == list(range(60))


def test_the_clock_is_the_databases_and_in_utc(tmp_path: Path) -> None:
    target = database(tmp_path)
    now = target.read_here(target.now)
    assert now.tzinfo == UTC
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_a_database_that_does_not_answer_is_a_named_error_with_its_cause(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        database(tmp_path).read_here(lambda session: session.execute(text("SELECT * FROM nowhere")))
    assert "nowhere" in str(caught.value.__cause__)
    assert "nowhere" not in caught.value.message


def test_a_full_disk_is_a_named_error_that_leaves_all_as_it_was_and_passes(tmp_path: Path) -> None:
    target, most_pages = database(tmp_path), 20
    event.listen(target.engine, "connect", lambda driver, _: driver.execute(f"PRAGMA max_page_count={most_pages}").close())
    target.write_here(lambda session: session.execute(text("CREATE TABLE numbers (n BLOB)")))
    stored = 0
    with pytest.raises(StorageFull, match="no room left; nothing was stored") as caught:  # noqa: PT012
        while stored < 100:
            target.write_here(lambda session: session.execute(text("INSERT INTO numbers VALUES (zeroblob(3000))")))
            stored += 1
    assert "full" in str(caught.value.__cause__)
    assert target.read_here(count) == stored > 0
    assert target.read_here(lambda session: session.execute(text("PRAGMA integrity_check")).scalar_one()) == "ok"
    target.close()
    most_pages = 1000
    target.write_here(lambda session: session.execute(text("INSERT INTO numbers VALUES (zeroblob(3000))")))
    assert target.read_here(count) == stored + 1


def test_a_server_whose_disk_is_full_is_the_same_error(postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as url:
        full = text("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$")
        target = Database(url)
        with pytest.raises(StorageFull, match="no room left"):
            target.write_here(lambda session: session.execute(full))
        target.close()


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="name a file"):
        Database("sqlite://")


def test_a_trial_of_no_study_cannot_be_stored(tmp_path: Path) -> None:
    target = database(tmp_path)
    schema.upgrade(target)
    statement = text("INSERT INTO svge_attempts (trial_id, attempt, worker, started_at) VALUES ('none', 1, 'w', '2026-01-01')")
    with pytest.raises(IntegrityError):
        target.write_here(lambda session: session.execute(statement))


def test_a_lock_of_another_program_is_waited_for_no_longer_than_trainers_wait_for_an_answer(tmp_path: Path) -> None:
    assert database(tmp_path).read_here(lambda session: session.execute(text("PRAGMA busy_timeout")).scalar_one()) <= 10_000


def test_a_server_that_is_not_there_is_a_database_that_does_not_answer() -> None:
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        Database("postgresql://127.0.0.1:1/nowhere").read_here(count)


def test_connections_that_the_server_has_ended_are_replaced(postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as url:
        database = Database(url)
        own = database.read_here(lambda session: session.execute(text("SELECT pg_backend_pid()")).scalar_one())
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (own,))
        assert database.read_here(lambda session: session.execute(text("SELECT 7")).scalar_one()) == 7
        database.close()


def test_closing_waits_for_the_work_that_still_runs(tmp_path: Path) -> None:
    target, started = database(tmp_path), threading.Event()

    def work(session: Session) -> None:
        started.set()
        time.sleep(0.2)
        done.append(session.execute(text("SELECT 1")).scalar_one())

    done: list[int] = []
    thread = threading.Thread(target=target.read_here, args=(work,))
    thread.start()
    started.wait()
    target.close()
    assert done == [1]
    thread.join()


def test_databases_of_other_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a sqlite or postgresql URL in database_url, got 'mysql'"):
        Database("mysql://localhost/x")


def test_a_row_that_somebody_keeps_locked_is_not_waited_for_for_ever(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.storage.session._BUSY_SECONDS", 1)
    with postgres.fresh_database(postgres_server) as url, psycopg.connect(url) as other:
        other.execute("CREATE TABLE numbers (n INTEGER)")
        other.commit()
        other.execute("LOCK TABLE numbers")
        database = Database(url)
        with pytest.raises(DatabaseUnavailable, match="does not answer; nothing was stored"):
            database.write_here(lambda session: session.execute(text("INSERT INTO numbers VALUES (1)")))
        other.rollback()
        database.close()


def test_what_one_read_sees_is_of_one_instant(postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as url, psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE TABLE numbers (n INTEGER)")
        database = Database(url)

        def work(session: Session) -> tuple[int, int]:
            before = count(session)
            other.execute("INSERT INTO numbers VALUES (1)")
            return before, count(session)

        assert database.read_here(work) == (0, 0)
        database.close()
