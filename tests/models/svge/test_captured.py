"""On a GPU a run whose kernels are replayed goes as one that launches them one by one."""

import dataclasses
from itertools import islice
from pathlib import Path

import pytest
import torch

from models.spaces.enas_macro import EnasMacro
from models.spaces.nasbench101 import NasBench101
from models.spaces.space import SearchSpace
from models.svge.config import SVGeConfig
from models.svge.model import SVGe
from models.svge.packing import pack
from models.svge.training import TrainingConfig, TrainingData, TrainingStep, train

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU, so replayed kernels are not compared with launched ones"
)

TRAINING = TrainingConfig(num_steps=12, batch_size=16, warmup_steps=2)


def run(space: SearchSpace, config: TrainingConfig, folder: Path) -> tuple[list[TrainingStep], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = SVGe(SVGeConfig(node_size=32, message_size=32, hidden_size=32, latent_size=16), space.vocabulary).cuda()
    architectures = list(islice(space.enumerate(), 200))
    reports: list[TrainingStep] = []
    data = TrainingData(pack(architectures, space.vocabulary), pack(architectures[:20], space.vocabulary))
    train(model, data, config, folder, reports.append, report_every=1)
    return reports, model.state_dict()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("space", [EnasMacro(num_layers=2), NasBench101()], ids=["equal sizes", "several sizes"])
def test_replayed_as_launched(space: SearchSpace, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(TRAINING, precision=precision)
    replayed, weights = run(space, config, tmp_path / "replayed")
    monkeypatch.setattr(SVGe, "never_waits", False)
    launched, expected = run(space, config, tmp_path / "launched")
    tolerance = 1e-4 if precision == "float32" else 2e-2
    for one, other in zip(replayed, launched, strict=True):
        assert one.total == pytest.approx(other.total, rel=tolerance), f"step {one.step}"
        assert one.kl == pytest.approx(other.kl, rel=tolerance)
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=tolerance, atol=tolerance)
