"""The benchmark of a card runs from end to end on small models, here with the CPU as the card."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import model_gpu
from benchmarks.model_gpu import Card, agreement, markdown, measure, operations, write
from benchmarks.model_speed import Setting, Sizes, build_setting
from models.spaces.registry import get_space
from tests.models.svge.small import small_model

CPU = torch.device("cpu")


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Setting:
    for name in ("BATCHES", "GEOMETRIC_BATCHES", "INFERENCE_BATCHES"):
        monkeypatch.setattr(model_gpu, name, (8, 16))
    for name in ("ROUNDS", "STEPS", "ALONE"):
        monkeypatch.setattr(model_gpu, name, 1)
    return build_setting(small_model("nasbench101"), get_space("nasbench101"), {}, Sizes(training_graphs=64, encoded=32))


def test_every_task_is_measured_and_set_against_the_card(setting: Setting, tmp_path: Path) -> None:
    card = Card(CPU, "a card", {"float32": 2e12, "bfloat16": 4e12})
    rows, counts = measure(setting, card, seconds=0.001), operations(setting)
    assert {(row.task, row.name.split(",")[0]) for row in rows} == {
        (task, name) for task in ("training", "encoding", "sampling") for name in ("SVGe", "PyTorch Geometric")
    }
    for row in rows:
        assert row.graphs_per_second > 0
        assert (row.epoch_seconds is not None) == (row.task == "training")
        if row.name == "SVGe, float32":
            assert row.share_of_card == pytest.approx(row.graphs_per_second * counts[row.task] / 2e12)
    write(tmp_path / "new" / "gpu.json", card, {"nasbench101": agreement(setting, CPU)}, rows)
    report = json.loads((tmp_path / "new" / "gpu.json").read_text())
    assert report["agreement"]["nasbench101"]["same_decodings"] == 1.0
    assert len(markdown(rows).splitlines()) == 2 + len(report["rows"])


def test_operations_are_those_of_the_layers(setting: Setting) -> None:
    counts = operations(setting)
    assert 2 * counts["encoding"] < counts["training"]
    assert 0 < counts["encoding"] < counts["sampling"]
