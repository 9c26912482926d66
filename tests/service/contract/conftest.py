"""The three deployments on which every promise is tested. Their processes serve all tests, and each test has studies of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests import postgres
from tests.service.contract.caller import Caller
from tests.service.contract.deployments import InProcess, Served, Server, servers, write_models

DEPLOYMENTS = ["sqlite-in-process", "sqlite-over-a-socket", "postgresql-with-two-processes"]
SERVED = DEPLOYMENTS[1:]

Running = tuple[Path, str, list[Server], dict[str, str]]

_RUNNING = {SERVED[0]: "sqlite_running", SERVED[1]: "postgres_running"}


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
