"""A PostgreSQL server of one's own, started from installed binaries and gone at the end: for tests and for what kills it."""

import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

_UNPRIVILEGED = "nobody"
_PROGRAMS = ("initdb", "pg_ctl", "postgres")


def installed_binaries() -> Path | None:
    """The folder of `initdb`, `pg_ctl` and `postgres`, None where there is no server installed."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [path.parent for path in sorted(versions, key=lambda path: float(path.parts[-3]), reverse=True)]
    return next((folder for folder in folders if all((folder / name).exists() for name in _PROGRAMS)), None)


@dataclass(frozen=True)
class PrivateServer:
    """A server whose data lie in `folder`. It refuses to run as root, so that root starts it as somebody without rights.

    One that is not `durable` loses what it stored when the machine fails, and is faster.
    """

    binaries: Path
    folder: Path
    port: int
    durable: bool

    @property
    def url(self) -> str:
        """That of the database `postgres`."""
        return URL.create("postgresql", "postgres", host="127.0.0.1", port=self.port, database="postgres").render_as_string()

    def create(self) -> None:
        # Whatever the locale of the machine: without one it would store bytes instead of characters.
        self._run("initdb", "--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--no-locale")

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {shlex.quote(str(self.folder))}" + ("" if self.durable else " -F")
        self._run("pg_ctl", "--wait", "--log", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """With the mode `immediate` as if it had crashed."""
        self._run("pg_ctl", "--wait", "--mode", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        user = _UNPRIVILEGED if os.geteuid() == 0 else None
        command = [self.binaries / program, "--pgdata", self.folder / "data", *arguments]
        subprocess.run(command, user=user, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def private_server(binaries: Path, durable: bool = True) -> Iterator[PrivateServer]:
    """A running server. Raises `OSError` or `subprocess.CalledProcessError` where it cannot be started."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        server = PrivateServer(binaries, Path(folder), port, durable)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
