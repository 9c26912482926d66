"""PostgreSQL for tests: the server of this machine, or a private one started from installed binaries; databases of their own."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

from service.storage import schema
from service.storage.session import Database

_SERVERS = ("postgresql://127.0.0.1:5432/test", "postgresql://postgres@127.0.0.1:5432/postgres")
_UNPRIVILEGED = "nobody"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database of a server that lets us create others: `SVGE_TEST_POSTGRES`, the usual address, or a private one.

    Without any the test is skipped, and fails with `CI=true`.
    """
    given = os.environ.get("SVGE_TEST_POSTGRES")
    found = next((url for url in ((given,) if given else _SERVERS) if _answers(url)), None)
    if found is not None:
        yield found
        return
    binaries = _binaries()
    if given or binaries is None:
        reason = f"no PostgreSQL answers at {given or _SERVERS[0]}, so that nothing is checked on it; set SVGE_TEST_POSTGRES"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with _private_server(binaries) as url:
        yield url


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


def _binaries() -> Path | None:
    candidates = [shutil.which("initdb"), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)]
    return next((Path(found).resolve().parent for found in candidates if found), None)


@contextmanager
def _private_server(binaries: Path) -> Iterator[str]:
    """It refuses to run as root, so that root starts it as somebody without rights."""
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)
        data = Path(folder) / "data"
        subprocess.run(
            [binaries / "initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres", "--no-sync"],
            user=user, cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        control = [binaries / "pg_ctl", "--pgdata", data, "--wait"]
        subprocess.run(
            [*control, "--log", data / "log", "-o", options, "start"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        try:
            yield URL.create("postgresql", "postgres", host="127.0.0.1", port=port, database="postgres").render_as_string()
        finally:
            subprocess.run([*control, "--mode", "immediate", "stop"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
