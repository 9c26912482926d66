"""A training on a Ray cluster that loses a process. `tests/service/test_on_ray.py` runs it: there is one cluster for all."""

import json
import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.ray_cluster import Cluster
from models.evaluation.pretraining import pretrain
from models.spaces.registry import get_space
from models.svge.distributed import Workers
from tests.models.evaluation.train_on_ray import small_run
from tests.ray import run_module

_TRAINING_SECONDS = 300.0
"""Half a minute on a fast machine: a dozen processes of Ray are started, those that train a second time."""


def kill_a_worker(cluster: Cluster, training: Future[str], state: Path) -> None:
    """Kill one of the processes that train as soon as the run has saved something."""
    while not state.exists():
        assert not training.done(), training.exception() or training.result()
        time.sleep(0.02)
    found = [pid for pid, command in cluster.worker.processes().items() if "RayTrainWorker" in command]
    assert len(found) == 2
    os.kill(found[1], signal.SIGKILL)


@pytest.mark.timeout(2 * _TRAINING_SECONDS)
def test_a_run_with_two_workers_of_which_one_is_killed_ends_as_one_process_does(tmp_path: Path, ray_cluster: Cluster) -> None:
    alone, spread = small_run(tmp_path / "alone"), small_run(tmp_path / "spread")
    arguments = (ray_cluster.address, str(tmp_path / "spread"))
    with ThreadPoolExecutor() as threads:
        training = threads.submit(run_module, "tests.models.evaluation.train_on_ray", *arguments, seconds=_TRAINING_SECONDS)
        kill_a_worker(ray_cluster, training, spread.folder / "state.pt")
        pretrain(get_space("enas_macro"), alone, Workers(torch.device("cpu")), lambda step: None)
        training.result()
    first, second = load_file(alone.checkpoint), load_file(spread.checkpoint)
    for name, weight in first.items():
        torch.testing.assert_close(second[name].float(), weight.float(), atol=2e-2, rtol=5e-2)
    steps = [json.loads(line)["step"] for line in (spread.folder / "log.jsonl").read_text().splitlines()]
    assert (steps[0], steps[-1], steps.count(50)) == (50, 100, 1)  # it went on from there
    assert "abilities_percent" in json.loads((tmp_path / "spread" / "small.json").read_text())
