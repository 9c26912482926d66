"""A database for each storage test, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from service.storage import schema
from service.storage.session import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """One at the newest revision."""
    database = Database(database_url)
    schema.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def empty_database(empty_database_url: str) -> Iterator[Database]:
    """One without any table."""
    database = Database(empty_database_url)
    yield database
    database.close()
