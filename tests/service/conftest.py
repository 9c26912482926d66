"""A running service for each test, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.service.api.harness import Service, running


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    with postgres.migrated_template(postgres_server) as name:
        yield name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database at the newest revision, or of a file that is yet to be made."""
    yield from _database(request, tmp_path, "postgres_template")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    yield from _database(request, tmp_path, None)


def _database(request: pytest.FixtureRequest, tmp_path: Path, template: str | None) -> Iterator[str]:
    """The URL of a database of the fixture's kind; `template` is the fixture that names what a PostgreSQL one is copied from."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
        return
    copied = request.getfixturevalue(template) if template else None
    with postgres.fresh_database(request.getfixturevalue("postgres_server"), copied) as url:
        yield url


@pytest.fixture
async def service(tmp_path: Path, database_url: str) -> AsyncIterator[Service]:
    async with running(tmp_path, database_url=database_url) as service:
        yield service
