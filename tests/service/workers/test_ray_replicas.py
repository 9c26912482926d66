"""What a replica on Ray does around its host: batches by model, failures that stay with their requests, one computation at a time.

No cluster is needed for it; what crosses to one is in `tests/service/test_on_ray.py`.
"""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from models.pretrained.catalogue import InvalidCheckpoint
from tests.ray import needs_ray
from tests.service.workers.hosts import PlainHost

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _ray() -> None:
    needs_ray()


def test_a_batch_counts_graphs_and_a_request_that_is_too_large_fits_alone() -> None:
    from service.workers.ray_replicas import MAX_GRAPHS, Asked, count_graphs

    assert count_graphs([Asked("a", None, 3), Asked("b", None, 4)]) == 7
    assert count_graphs([Asked("a", None, 10 * MAX_GRAPHS)]) == MAX_GRAPHS


def test_requests_are_computed_by_model_and_answered_in_their_order() -> None:
    from service.workers.ray_replicas import Asked, by_model

    calls: list[tuple[str, list[int]]] = []

    async def compute(model: str, contents: list[int]) -> list[str]:
        calls.append((model, contents))
        if -1 in contents:
            raise ValueError("not this one")
        return [f"{model}{content}" for content in contents]

    batch = [Asked("a", 1, 1), Asked("b", 2, 1), Asked("a", -1, 1), Asked("b", 3, 1), Asked("a", 4, 1)]
    outcomes = asyncio.run(by_model(batch, compute))
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == ["a1", "b2", "b3", "a4"]
    assert str(outcomes[2]) == "not this one"
    assert calls == [("a", [1, -1, 4]), ("a", [1]), ("a", [-1]), ("a", [4]), ("b", [2, 3])]


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (ValueError("a wrong value"), ValueError, "a wrong value"),
        (InvalidCheckpoint("damaged"), InvalidCheckpoint, "damaged"),
        (subprocess.SubprocessError("elsewhere"), RuntimeError, "SubprocessError: elsewhere"),
    ],
)
def test_an_exception_comes_back_as_what_the_api_process_can_load(raised: Exception, kind: type, message: str) -> None:
    from service.workers.ray_replicas import answer

    async def call(request: object) -> object:
        raise raised

    succeeded, error = pickle.loads(asyncio.run(answer(call, pickle.dumps(None))))
    assert not succeeded
    assert (type(error), str(error)) == (kind, message)


class SlowHost(PlainHost):
    """Counts how many compute at the same time."""

    def __init__(self) -> None:
        self.running = self.most = self.done = 0
        self._lock = threading.Lock()

    def encode(self, model: str, architectures: Any) -> list[Any]:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.05)
        with self._lock:
            self.running -= 1
            self.done += 1
        return []


def test_one_thing_is_computed_at_a_time_also_when_a_caller_gives_up() -> None:
    from service.workers.ray_replicas import Computer

    host = SlowHost()

    async def scenario() -> None:
        computer = Computer(lambda: host, 10.0)
        impatient = asyncio.create_task(computer.run("encode", "m", ()))
        await asyncio.sleep(0.01)
        impatient.cancel()
        await asyncio.gather(*(computer.run("encode", "m", ()) for _ in range(3)))

    asyncio.run(scenario())
    assert (host.most, host.done) == (1, 4)


def test_a_replica_that_computes_too_long_ends() -> None:
    code = """
import asyncio
from service.workers.ray_replicas import Computer
from tests.service.workers.hosts import SLEEP, PlainHost

async def run():
    await Computer(PlainHost, 0.1).run("encode", SLEEP, ())

asyncio.run(run())
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 1
    assert "'encode' took longer than 0.1 s" in ended.stderr


def test_the_worker_of_the_api_process_loads_ray_and_not_torch() -> None:
    code = """
import sys, service.workers.ray
from ray._private import auto_init_hook
print('ray' in sys.modules, 'torch' in sys.modules or auto_init_hook.enable_auto_connect)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "False"]
    code = "import sys, service.commands.serve\nprint('ray' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False"]
