"""A real server for each test of a facade, and a study on it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from svge_client import Client, Retry

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


class Line(httpx.BaseTransport):
    """The way to the server, which may be cut."""

    def __init__(self) -> None:
        self._transport = httpx.HTTPTransport()
        self.is_cut = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("the line is cut")
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def remote(url: str, line: Line, tmp_path: Path) -> Iterator[Client]:
    """A client that gives up at once where the line is cut."""
    with Client(url, worker=tmp_path.name, transport=line, retry=Retry(1, 0.001, 0.002)) as client:
        yield client


@pytest.fixture
def study(client: Client) -> str:
    """A study whose rule gives up what is behind the best at the second step."""
    rule = {"rule": "asha", "min_step": 2, "reduction_factor": 2, "max_step": 4}
    return client.create_study(client.worker, "nasbench101", stopping=rule, max_trials=6).name
