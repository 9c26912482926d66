"""Whether the service can do its work at this moment, and which build it is."""

import asyncio
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import anyio.to_thread

from service.errors import DatabaseUnavailable, NotReady
from service.storage import counts
from service.storage.schema import current_revision, head_revision
from service.storage.values import TrialState
from service.studies.context import Context
from service.workers.worker import WorkerUnavailable

DISTRIBUTION = "svge-search"
_WORKER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Build:
    """The version of the program, of its database schema and of Python."""

    version: str
    schema: str
    python: str


async def check_ready(context: Context) -> dict[str, str]:
    """What was checked, each `ok`. Raises `NotReady` with all checks when one of them is not."""
    checks = {"database": "ok", "schema": "ok"}
    try:
        found = await context.database.read(current_revision)
    except DatabaseUnavailable:
        checks["database"] = "does not answer; see that it runs and that database_url is right"
        checks["schema"] = "unknown while the database does not answer"
    else:
        expected = await _head()
        if found != expected:
            checks["schema"] = f"expected revision {expected}, found {found}; run 'svge db upgrade'"
    checks["worker"] = await _worker_state(context)
    if set(checks.values()) != {"ok"}:
        message = "; ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok")
        raise NotReady(message, details={"checks": checks})
    return checks


async def trials_by_state(context: Context) -> dict[TrialState, int]:
    """How many trials of all studies are in each state."""
    found = await context.database.read(counts.of_all)
    return {state: found.get(state, 0) for state in TrialState}


async def read_build() -> Build:
    return Build(program_version(), await _head(), platform.python_version())


def program_version() -> str:
    """The installed version; `0` for a tree that was never installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0"


async def _head() -> str:
    return await anyio.to_thread.run_sync(head_revision)


async def _worker_state(context: Context) -> str:
    seconds, limit = context.longest_call(), context.settings.compute_seconds
    if seconds > limit:
        return f"a call has been running for {seconds:.0f} s and compute_seconds ({limit:g}) did not end it; restart the service"
    if not await _worker_answers(context):
        return "does not answer; it is being started, or see the log for why it died"
    return "ok"


async def _worker_answers(context: Context) -> bool:
    try:
        async with asyncio.timeout(_WORKER_SECONDS):
            return await context.worker.ready()
    except (TimeoutError, WorkerUnavailable):
        return False
