"""The database and the one place where a transaction begins and ends. Queries are in `studies.py` and `trials.py`.

A write is committed before `write` returns. On SQLite a commit is on the disk then (WAL with `synchronous=FULL`), a write
transaction takes the write lock at its start (`BEGIN IMMEDIATE`), and the process queues its own writers in order of arrival. On
PostgreSQL writers of one study queue at its row.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from service.errors import DatabaseUnavailable, StorageFull
from service.storage import counts

Result = TypeVar("Result")
Clock = Callable[[Session], datetime]

_WRITE = "svge_write"
_BUSY_SECONDS = 10
_READERS = 8
_WRITERS = 8
_LOST_SECONDS = 60
_MIGRATION_SECONDS = 3600


def database_clock(session: Session) -> datetime:
    """The time by the database's clock, so that the processes that share a database agree on leases."""
    if session.get_bind().dialect.name == "sqlite":
        text = session.scalar(select(func.strftime("%Y-%m-%dT%H:%M:%f", "now")))
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now.astimezone(UTC)


class Database:
    """One database. `url` is SQLAlchemy's; the folder of an SQLite file is created. `clock` tells the time in a transaction."""

    def __init__(self, url: str, clock: Clock = database_clock) -> None:
        self._clock = clock
        self.engine = _create_engine(url)
        single_writer = self.engine.dialect.name == "sqlite"
        # What one read sees in several queries shall be of one instant; on SQLite every transaction is.
        self._reading = self.engine if single_writer else self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._read_limit = anyio.CapacityLimiter(_READERS)
        self._write_limit = anyio.CapacityLimiter(1 if single_writer else _WRITERS)
        self._working = 0
        self._changed = threading.Condition()

    def now(self, session: Session) -> datetime:
        """The database's time; every lease and time stamp comes from here."""
        return self._clock(session)

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in a thread, in a transaction that is rolled back at its end."""
        return await anyio.to_thread.run_sync(self.read_here, work, limiter=self._read_limit)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in a thread, in one transaction: committed when it returns, rolled back when it raises."""
        return await anyio.to_thread.run_sync(self.write_here, work, limiter=self._write_limit)

    def read_here(self, work: Callable[[Session], Result]) -> Result:
        """`read` in the calling thread."""
        with self._counted(), _translated(), Session(self._reading) as session:
            return work(session)

    def write_here(self, work: Callable[[Session], Result]) -> Result:
        """`write` in the calling thread."""
        engine = self.engine.execution_options(**{_WRITE: True})
        with self._counted(), _translated(), Session(engine) as session, session.begin():
            result = work(session)
            counts.store(session)
            return result

    def close(self) -> None:
        """Close all connections, after the work that still runs: its caller may be gone, its thread is not."""
        with self._changed:
            self._changed.wait_for(lambda: self._working == 0, timeout=_BUSY_SECONDS)
        self.engine.dispose()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if isinstance(error, DBAPIError) and not (isinstance(error, OperationalError) or is_lost):
            raise
        if _is_full(error):
            raise StorageFull(
                "the database has no room left; nothing was stored; make room on its disk, then send it again"
            ) from error
        stored = "it is not known whether the request was stored" if is_lost else "nothing was stored"
        raise DatabaseUnavailable(f"the database does not answer; {stored}, send it again in a moment") from error


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection within a transaction that changes tables: it takes the write lock at its start and is committed at the end.

    SQLite changes some things by building a table anew. References are not enforced meanwhile, else dropping the old one would
    delete what refers to it, and are checked before the commit.
    """
    with engine.execution_options(**{_WRITE: True}).connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA foreign_keys=OFF").close()
        driver.execute(f"PRAGMA busy_timeout={_MIGRATION_SECONDS * 1000}").close()
        try:
            with connection.begin():
                yield connection
                dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if dangling:
                    raise RuntimeError(f"the migration would leave {len(dangling)} references to nothing, the first {dangling[0]}")
        finally:
            driver.execute("PRAGMA foreign_keys=ON").close()
            driver.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()


def _create_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _create_postgresql_engine(parsed)
    if parsed.get_backend_name() != "sqlite":
        raise ValueError(
            f"expected a sqlite or postgresql URL in database_url, got '{parsed.get_backend_name()}'; change SVGE_DATABASE_URL"
        )
    if parsed.database in (None, "", ":memory:"):
        raise ValueError("expected a database file in database_url, got SQLite in memory, which a restart would lose; name a file")
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS}, pool_size=_READERS + 1)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_postgresql_engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=_READERS + _WRITERS,
        max_overflow=1,
        pool_timeout=_BUSY_SECONDS,
        connect_args={
            "connect_timeout": _BUSY_SECONDS,
            "options": f"-c lock_timeout={_BUSY_SECONDS}s -c idle_in_transaction_session_timeout={_LOST_SECONDS}s",
            "keepalives_idle": _LOST_SECONDS,
            "tcp_user_timeout": _LOST_SECONDS * 1000,
        },
    )


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own; `_begin_sqlite` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error. SQLite rolls back by itself then, so that the last error may be that there was
    nothing to roll back.
    """
    while error is not None:
        if isinstance(error, psycopg.errors.DiskFull):
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
