"""Several databases are brought to the newest schema by threads of one process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy.orm import Session

from service.storage import schema
from service.storage.session import Database


def test_threads_upgrade_different_databases_at_the_same_time(tmp_path: Path) -> None:
    def upgraded(number: int) -> str | None:
        database = Database(f"sqlite:///{tmp_path}/{number}.db")
        schema.upgrade(database)
        with database.engine.connect() as connection, Session(connection) as session:
            revision = schema.current_revision(session)
        database.close()
        return revision

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(upgraded, range(12))) == {schema.head_revision()}
