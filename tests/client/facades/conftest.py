"""A real server for each test of a facade, and a study on it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from svge_client import Client

from tests.client.live import serving


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("service")) as url:
        yield url


def heartbeats() -> int:
    """How many trials' leases are kept."""
    return sum(thread.name.startswith("svge-heartbeat") for thread in threading.enumerate())


@pytest.fixture
def client(url: str, tmp_path: Path) -> Iterator[Client]:
    """Its worker has the name of the test's folder; when the test ends no lease is kept any more."""
    with Client(url, worker=tmp_path.name) as client:
        yield client
    assert heartbeats() == 0


@pytest.fixture
def study(client: Client) -> str:
    """A study whose rule gives up what is behind the best at the second step."""
    rule = {"rule": "asha", "min_step": 2, "reduction_factor": 2, "max_step": 4}
    return client.create_study(client.worker, "nasbench101", stopping=rule, max_trials=6).name
