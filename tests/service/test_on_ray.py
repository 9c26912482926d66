"""Everything that needs a Ray cluster: in one file, whose tests run in one process, because two clusters on a machine give their
clients the same ports. The training is imported first and so runs first, while nothing else is on the cluster.

The contract suite's tests of what touches the model worker run here once more. What a replica does that hangs is in
`workers/test_ray_replicas.py`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.ray_cluster import Cluster
from service.app import create_app
from service.settings import Settings
from service.workers.local import local_worker
from tests.models.evaluation.killed_on_ray import test_a_run_with_two_workers_of_which_one_is_killed_ends_as_one_process_does
from tests.ray import running_cluster
from tests.service.contract.caller import Caller, answer
from tests.service.contract.conftest import Running
from tests.service.contract.deployments import SETTINGS, Served, reaching, servers, write_models
from tests.service.contract.on_ray import RAY_COMPUTE_SECONDS, TRAINED, deploy_contract_host, write_trained_model
from tests.service.contract.test_proposals import test_concurrent_asks_share_their_computations
from tests.service.contract.test_trials import (
    test_a_budget_is_met_exactly_however_many_ask_at_once,
    test_concurrent_askers_never_hold_isomorphic_architectures,
)

__all__ = [
    "test_a_budget_is_met_exactly_however_many_ask_at_once",
    "test_a_run_with_two_workers_of_which_one_is_killed_ends_as_one_process_does",
    "test_concurrent_askers_never_hold_isomorphic_architectures",
    "test_concurrent_asks_share_their_computations",
]

pytestmark = pytest.mark.anyio

ENCODE = {"space": "nasbench101", "architectures": [{"nodes": ["input", "conv3x3", "output"], "edges": [[0, 1], [1, 2]]}]}

_LOST_SECONDS, _BACK_SECONDS = 30.0, 90.0


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Cluster]:
    """A head and a worker node on this machine; whoever kills them starts them again."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, ray_cluster: Cluster) -> Iterator[Running]:
    folder = write_models(tmp_path_factory.mktemp("ray"))
    write_trained_model(folder / "real")
    for path in (folder / "real").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    url = f"sqlite:///{folder}/contract.db"
    settings = {"worker": "ray", "ray_address": ray_cluster.address, "compute_seconds": RAY_COMPUTE_SECONDS}
    with servers(folder, url, 1, **settings) as started:
        deploy_contract_host(ray_cluster, folder)
        yield folder, url, started, settings


@pytest.fixture
async def caller(running: Running) -> AsyncIterator[Caller]:
    async with AsyncExitStack() as stack:
        served = Served(*running, stack)
        await served.connect()
        yield Caller(served)


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A service of its own with the local model worker on the same checkpoints."""
    places = {"database_url": f"sqlite:///{folder}/local.db", "models_folder": folder}
    app = create_app(Settings.model_validate({**places, **SETTINGS, "compute_seconds": "60"}), local_worker("cpu", folder / "real"))
    async with app.router.lifespan_context(app), reaching("http://127.0.0.1", httpx.ASGITransport(app)) as client:
        yield client


async def conversation(client: httpx.AsyncClient, name: str) -> list[tuple[str, str]]:
    """The architectures and sources of a study with the real checkpoint, whose results follow from the architectures."""
    settings = {"name": name, "space": "nasbench101", "model": TRAINED, "seed": 5, "initial_size": 3}
    (await client.post("/studies", json=settings)).raise_for_status()
    seen = []
    for _ in range(4):
        asked = await client.post("/suggest", json={"study": name, "worker": "w", "count": 2, "wait": 60})
        for trial in asked.raise_for_status().json()["trials"]:
            seen.append((trial["canonical_id"], trial["source"]))
            report = {"trial": trial["id"], "attempt": trial["attempt"], "value": len(trial["architecture"]["edges"]) / 9}
            (await client.post("/observe", json=report)).raise_for_status()
    return seen


async def test_a_study_is_proposed_the_same_on_the_cluster_and_by_the_local_process(caller: Caller) -> None:
    (there,) = caller.deployment.clients
    async with local(caller.deployment.models_folder) as here:
        on_cluster, at_home = await asyncio.gather(conversation(there, "same"), conversation(here, "same"))
    assert on_cluster == at_home
    assert Counter(source for _, source in at_home) == {"initial": 3, "acquisition": 5}


class Trainers:
    """Trainers of one study, who repeat what failed; what they saw is kept."""

    def __init__(self, caller: Caller, study: str) -> None:
        self._caller, self._study = caller, study
        self.acknowledged: dict[str, float] = {}
        self.sources: list[str] = []
        self.refused: list[httpx.Response] = []
        self.ending = False

    async def train(self, worker: str) -> None:
        while not self.ending:
            asked = await self._post("/suggest", {"study": self._study, "worker": worker, "wait": 2})
            for trial in asked["trials"]:
                self.sources.append(trial["source"])
                value = len(self.sources) / 7
                await self._post("/observe", {"trial": trial["id"], "attempt": trial["attempt"], "value": value})
                self.acknowledged[trial["id"]] = value
            await asyncio.sleep(0.5)

    async def until(self, source: str, limit: float) -> float:
        """The seconds until a trial of a source is handed out that was asked for from now on."""
        started, before = time.monotonic(), len(self.sources)
        async with asyncio.timeout(limit):
            while source not in self.sources[before:]:
                await asyncio.sleep(0.05)
        return time.monotonic() - started

    async def _post(self, path: str, body: object) -> dict:
        while (response := await self._caller.send("POST", path, json=body)).status_code != 200:
            self.refused.append(response)
            await asyncio.sleep(0.2)
        return response.json()


async def test_neither_a_lost_replica_nor_a_lost_head_costs_a_result(caller: Caller, ray_cluster: Cluster) -> None:
    study = await caller.study(initial_size=2)
    trainers = Trainers(caller, study)
    running = [asyncio.create_task(trainers.train(f"w{number}")) for number in range(4)]
    await trainers.until("acquisition", _BACK_SECONDS)

    assert ray_cluster.worker.kill("ServeReplica:svge-")
    await trainers.until("fallback", _LOST_SECONDS)
    await trainers.until("acquisition", _BACK_SECONDS)

    assert ray_cluster.head.kill()
    await trainers.until("fallback", _LOST_SECONDS)
    async with asyncio.timeout(_LOST_SECONDS):
        while (await caller.send("GET", "/readyz")).status_code != 503:
            await asyncio.sleep(0.1)
    assert (await caller.send("GET", "/healthz")).status_code == 200
    refused = await caller.send("POST", "/encode", json=ENCODE)
    assert answer(refused, 503)["code"] == "model_unavailable"
    assert "retry-after" in refused.headers
    await asyncio.to_thread(ray_cluster.kill)  # the worker node would leave a minute later
    await asyncio.to_thread(ray_cluster.start)
    await asyncio.to_thread(deploy_contract_host, ray_cluster, caller.deployment.models_folder)
    await trainers.until("acquisition", _BACK_SECONDS)
    assert (await caller.send("GET", "/readyz")).status_code == 200
    assert len((await caller.post("/encode", ENCODE))["latents"]) == 1

    trainers.ending = True
    await asyncio.gather(*running)
    trials = await caller.trials(study)
    assert {trial["id"]: trial["value"] for trial in trials} == trainers.acknowledged
    assert {(trial["state"], trial["attempt"]) for trial in trials} == {("completed", 1)}
    assert len({trial["canonical_id"] for trial in trials}) == len(trials) > 20
    assert all(response.status_code == 503 and "retry-after" in response.headers for response in trainers.refused)
