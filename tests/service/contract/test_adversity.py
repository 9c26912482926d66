"""What can go wrong around the service: first starts at once, a clock that is wrong, a disk that takes no more."""

import asyncio
import resource
import sqlite3
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.service.contract.caller import Caller, answer
from tests.service.contract.conftest import SERVED
from tests.service.contract.deployments import reaching, servers, write_models

pytestmark = pytest.mark.anyio

_AHEAD = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


async def test_processes_that_start_at_once_on_an_empty_database_are_one_service(empty_database_url: str, tmp_path: Path) -> None:
    with servers(write_models(tmp_path), empty_database_url, 2) as (one, other):
        async with reaching(one.url) as first, reaching(other.url) as second:
            assert [answer(await client.get("/readyz"), 200)["status"] for client in (first, second)] == ["ready"] * 2
            answer(await first.post("/studies", json={"name": "demo", "space": "nasbench201"}), 201)
            assert answer(await second.get("/studies/demo"), 200)["name"] == "demo"


def date(response: httpx.Response) -> datetime:
    return parsedate_to_datetime(response.headers["date"])


@pytest.mark.parametrize("caller", SERVED, indirect=True)
async def test_a_process_whose_clock_is_wrong_changes_no_lease(caller: Caller) -> None:
    study = await caller.study(lease_seconds=600)
    (here,) = await caller.suggest(study, "here")
    async with caller.deployment.beside(clock_ahead=_AHEAD.total_seconds()) as client:
        assert date(await client.get("/healthz")) - date(await caller.send("GET", "/healthz")) > _AHEAD - _MINUTE
        asked = await client.post("/suggest", json={"study": study, "worker": "there"})
        (there,) = answer(asked, 200)["trials"]
        await asyncio.sleep(0.5)  # several sweeps of that process
    assert there["id"] != here["id"]
    ends = [datetime.fromisoformat(trial["lease_expires_at"]) for trial in (here, there)]
    assert timedelta() < ends[1] - ends[0] < _MINUTE
    assert [(trial["state"], trial["attempt"]) for trial in await caller.trials(study)] == [("running", 1)] * 2


async def test_a_disk_that_takes_no_more_costs_nothing_that_was_stored(tmp_path: Path) -> None:
    with servers(write_models(tmp_path), f"sqlite:///{tmp_path}/full.db", 1) as (server,):
        async with reaching(server.url) as client:
            answer(await client.post("/studies", json={"name": "demo", "space": "nasbench201"}), 201)
            size = (tmp_path / "full.db-wal").stat().st_size
            limit(server.process.pid, size + 400_000)
            stored = []
            while (response := await ask(client, len(stored))).status_code == 200:
                stored.append(response.json()["trials"][0]["id"])
                assert len(stored) < 100
            assert answer(response, response.status_code)["code"] in ("storage_full", "database_unavailable")
            assert len(stored) > 0
            for _ in range(3):
                assert (await ask(client, 1000)).status_code == response.status_code
            assert await trial_ids(client) == stored
            limit(server.process.pid, resource.RLIM_INFINITY)
            again = answer(await ask(client, 1000), 200)["trials"][0]["id"]
            assert await trial_ids(client) == [*stored, again]
        server.kill()
    with sqlite3.connect(tmp_path / "full.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM svge_trials").fetchone() == (len(stored) + 1,)
    database.close()


def limit(pid: int | None, size: int) -> None:
    """Let a process write no file beyond a size, in bytes."""
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/suggest", json={"study": "demo", "worker": f"w{number}"})


async def trial_ids(client: httpx.AsyncClient) -> list[str]:
    return [trial["id"] for trial in answer(await client.get("/studies/demo/trials?limit=1000"), 200)["trials"]]
