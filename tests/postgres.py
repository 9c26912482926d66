"""PostgreSQL for tests: a private server started from installed binaries, or that of this machine; databases of their own."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from benchmarks.private_postgres import installed_binaries, private_server
from service.storage import schema
from service.storage.session import Database

_SERVERS = ("postgresql://127.0.0.1:5432/test", "postgresql://postgres@127.0.0.1:5432/postgres")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database of a server that lets us create others: `SVGE_TEST_POSTGRES`, a private one, or the usual address.

    A private one need not wait for the disk, so that databases are created in a tenth of the time. Without any the test is
    skipped, and fails with `CI=true`.
    """
    given, binaries = os.environ.get("SVGE_TEST_POSTGRES"), installed_binaries()
    with ExitStack() as stack:
        if not given and binaries is not None:
            with suppress(OSError, subprocess.CalledProcessError):  # what is installed cannot always be run, nor by everybody
                private = stack.enter_context(private_server(binaries, durable=False))
                given = private.url
        found = next((url for url in ((given,) if given else _SERVERS) if _answers(url)), None)
        if found is None:
            reason = f"no PostgreSQL answers at {given or _SERVERS[0]} and none is installed that could be started"
            remedy = "nothing is checked on it; set SVGE_TEST_POSTGRES"
            if os.environ.get("CI") == "true":
                pytest.fail(f"{reason}: {remedy}")
            pytest.skip(f"{reason}: {remedy}")
        yield found


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database, dropped at the end; a copy of the database `template` where one is named."""
    name = f"svge_test_{secrets.token_hex(6)}"
    clause = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
    _administer(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + clause)
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def migrated_template(server_url: str) -> Iterator[str]:
    """The name of a database at the newest revision, to copy: copying is faster than migrating."""
    with fresh_database(server_url) as url:
        database = Database(url)
        schema.upgrade(database)
        database.close()
        name = make_url(url).database
        assert name is not None
        yield name


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
