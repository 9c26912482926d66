"""The three deployments on which every promise is tested. Their processes serve all tests, and each test has studies of its own.

A fourth has its model worker on a Ray cluster. What does not touch the model worker has been tested on the others, so that a test
which does names it: `@WITH_RAY`. What a replica does that hangs is in `tests/service/workers/test_ray_replicas.py`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.ray_cluster import Cluster
from tests import postgres
from tests.service.contract.caller import Caller
from tests.service.contract.deployments import InProcess, Served, Server, servers, write_models
from tests.service.contract.on_ray import RAY_COMPUTE_SECONDS, deploy_contract_host, write_trained_model

DEPLOYMENTS = ["sqlite-in-process", "sqlite-over-a-socket", "postgresql-with-two-processes"]
SERVED = DEPLOYMENTS[1:]
RAY = "ray"
WITH_RAY = pytest.mark.parametrize("caller", [*DEPLOYMENTS, RAY], indirect=True)
ON_RAY = pytest.mark.parametrize("caller", [RAY], indirect=True)

Running = tuple[Path, str, list[Server], dict[str, str]]

_RUNNING = {SERVED[0]: "sqlite_running", SERVED[1]: "postgres_running", RAY: "ray_running"}


@pytest.fixture(scope="session")
def sqlite_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = write_models(tmp_path_factory.mktemp("sqlite"))
    url = f"sqlite:///{folder}/contract.db"
    with servers(folder, url, 1) as started:
        yield folder, url, started, {}


@pytest.fixture(scope="session")
def postgres_running(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Running]:
    folder = write_models(tmp_path_factory.mktemp("postgresql"))
    with postgres.fresh_database(postgres_server) as url, servers(folder, url, 2) as started:
        yield folder, url, started, {}


@pytest.fixture(scope="session")
def ray_running(tmp_path_factory: pytest.TempPathFactory, ray_cluster: Cluster) -> Iterator[Running]:
    folder = write_models(tmp_path_factory.mktemp("ray"))
    write_trained_model(folder / "real")
    for path in (folder / "real").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    url = f"sqlite:///{folder}/contract.db"
    settings = {"worker": "ray", "ray_address": ray_cluster.address, "compute_seconds": RAY_COMPUTE_SECONDS}
    with servers(folder, url, 1, **settings) as started:
        deploy_contract_host(ray_cluster, folder)
        yield folder, url, started, settings


@pytest.fixture(params=DEPLOYMENTS)
async def caller(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Caller]:
    async with AsyncExitStack() as stack:
        if request.param == DEPLOYMENTS[0]:
            in_process = InProcess(tmp_path, stack)
            await in_process.start()
            yield Caller(in_process)
            return
        running: Running = request.getfixturevalue(_RUNNING[request.param])
        served = Served(*running, stack)
        await served.connect()
        yield Caller(served)
