"""Training on a Ray cluster: the loop of `pretraining.py` in several processes that Ray Train starts, again when one dies.

The run's state is in its folder, which all machines of the cluster share, so that a restarted run goes on where it was.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import torch
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from models.evaluation.pretraining import Pretraining, pretrain
from models.spaces.space import SearchSpace
from models.svge.distributed import join_workers

_RESTARTS = 3


class TrainingFailed(RuntimeError):
    """The run failed more often than it is started again."""


def pretrain_on_ray(space: SearchSpace, run: Pretraining, address: str, workers: int, on_gpus: bool | None = None) -> None:
    """Train as `pretrain` does, in `workers` processes of the cluster at `address`, and return when the checkpoint is written.

    Each takes a CPU, or a GPU when `on_gpus`, or when that is None and the cluster has as many. When one is lost all are started
    again and go on from the last saved state, at most three times. Raises `TrainingFailed`, or `ConnectionError` without a cluster.
    """
    run = replace(
        run,
        folder=run.folder.absolute(),
        checkpoint=run.checkpoint.absolute(),
        data=run.data and run.data.absolute(),
        start=run.start and run.start.absolute(),
    )
    with _connected(address):
        gpus = ray.cluster_resources().get("GPU", 0) >= workers if on_gpus is None else on_gpus
        trainer = TorchTrainer(
            _train,
            train_loop_config={"space": space, "run": run, "device": "cuda" if gpus else "cpu"},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
            run_config=RunConfig(name="ray", storage_path=str(run.folder), failure_config=FailureConfig(max_failures=_RESTARTS)),
        )
        try:
            trainer.fit()
        except Exception as error:  # Ray's own, around whatever happened in a worker
            raise TrainingFailed(f"the training failed, after {_RESTARTS} restarts where they could help: {error}") from error


@contextmanager
def _connected(address: str) -> Iterator[None]:
    ray.init(address)
    try:
        yield
    finally:
        ray.shutdown()


def _train(config: dict[str, object]) -> None:
    """What each process does."""
    space, run, device = config["space"], config["run"], config["device"]
    assert isinstance(run, Pretraining)
    with join_workers(torch.device(str(device))) as workers:
        pretrain(space, run, workers, lambda step: None)  # type: ignore[arg-type]
