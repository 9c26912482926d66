"""A real server for benchmarks and end-to-end tests: `svge serve` in a process of its own on a free port."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Served(NamedTuple):
    """A running server: its URL, and its process to kill."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def served(folder: Path, database_url: str | None = None, port: int = 0, **settings: str) -> Iterator[Served]:
    """A server whose log, and unless a URL is given SQLite file, lie in `folder`; `settings` are `SVGE_…` variables without the
    prefix.
    """
    url = database_url or f"sqlite:///{folder / 'svge.db'}"
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port), "--database-url", url]
    environment = {**os.environ, **{f"SVGE_{name.upper()}": value for name, value in settings.items()}}
    with (
        (folder / "server.log").open("a") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        announcement = process.stdout.readline()
        if not announcement:
            raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
        try:
            yield Served(next(word for word in announcement.split() if word.startswith("http://")), process)
        finally:
            process.terminate()
            process.wait(timeout=60)
