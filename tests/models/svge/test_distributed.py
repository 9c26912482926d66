"""Two processes that train together, by Gloo on the CPU, end with the weights of one that has the whole batches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.svge.distributed import Workers, join_workers

ROOT = Path(__file__).parents[3]

TRAIN = """
import sys, torch
from pathlib import Path
from models.spaces.enas_macro import EnasMacro
from models.svge.config import SVGeConfig
from models.svge.distributed import join_workers
from models.svge.model import SVGe
from models.svge.packing import pack
from models.svge.training import TrainingConfig, TrainingData, train

torch.set_num_threads(1)
space = EnasMacro(num_layers=2)
# Without posterior noise the only difference between one process and two is the order of summation.
config = SVGeConfig(32, 32, 32, 16, posterior_noise_scale=0.0)
training = TrainingConfig(num_steps=6, batch_size=24, warmup_steps=2, precision="float32")
out = Path(sys.argv[1])
with join_workers(torch.device("cpu")) as workers:
    torch.manual_seed(0)
    model = SVGe(config, space.vocabulary)
    data = TrainingData(pack(list(space.enumerate()), space.vocabulary))
    steps = []
    train(model, data, training, out / "run", steps.append, report_every=3, workers=workers)
    torch.save({"model": model.state_dict(), "totals": [step.total for step in steps]}, out / f"{workers.rank}.pt")
"""


def run(out: Path, count: int) -> list[dict]:
    """The results of `count` processes, by rank."""
    out.mkdir()
    script = out / "train.py"
    script.write_text(TRAIN)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(script), str(out)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return [torch.load(out / f"{rank}.pt", weights_only=True) for rank in range(count)]


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    (alone,) = run(tmp_path / "one", 1)
    leader, follower = run(tmp_path / "two", 2)
    for name, weight in alone["model"].items():
        torch.testing.assert_close(leader["model"][name], weight, atol=2e-4, rtol=1e-3)
        torch.testing.assert_close(follower["model"][name], leader["model"][name], atol=0, rtol=0)
    assert leader["totals"] == pytest.approx(alone["totals"], rel=1e-4)
    assert follower["totals"] == []
    assert (tmp_path / "two" / "run" / "state.pt").exists()


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    workers = Workers(torch.device("cpu"), rank=1, count=2)
    assert workers.share(torch.arange(6)).tolist() == [1, 3, 5]
    assert not workers.leads
    with pytest.raises(ValueError, match="divisible by 2 processes, got 7; change the batch size"):
        workers.share(torch.arange(7))


def test_without_a_launcher_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join_workers(torch.device("cpu")) as workers:
        assert workers.leads
        assert workers.average(torch.tensor([3.0])).tolist() == [3.0]


def test_a_world_without_places_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ValueError, match="RANK is not set; start the processes with torchrun"), join_workers(torch.device("cpu")):
        pass
