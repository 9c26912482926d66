"""The benchmark runs from end to end on small models, and what it times is the same work on both sides."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.model_speed import Setting, Sizes, build_setting, decoding, encoding, measure, training, write
from models.spaces.registry import get_space
from tests.models.svge.small import small_model

SIZES = Sizes(training_graphs=160, training_steps=1, encoded=32, decoded=20, decoded_alone=5)


@pytest.fixture
def setting() -> Setting:
    return build_setting(small_model("nasbench101"), get_space("nasbench101"), {"other": small_model("nasbench101", 1)}, SIZES)


def test_every_task_is_measured_for_every_contender(setting: Setting, tmp_path: Path) -> None:
    speeds = measure(setting, rounds=1, seconds=0.001)
    found = {(speed.task.split()[0], speed.name.split(",")[0]) for speed in speeds}
    expected = {(task, name) for task in ("training", "encoding", "sampling") for name in ("SVGe", "PyTorch Geometric", "other")}
    assert found == expected
    assert all(speed.graphs_per_second > 0 for speed in speeds)
    write(tmp_path / "new" / "speed.json", setting, 1.0, {"processor": "a"}, speeds)
    report = json.loads((tmp_path / "new" / "speed.json").read_text())
    assert [row["name"] for row in report["speeds"]] == [speed.name for speed in speeds]
    assert report["speeds"][0]["first_is_faster_by"] == 1.0
    assert report["machine"]["processor"] == "a"


def test_work_counts_the_graphs_it_does(setting: Setting) -> None:
    counts = {contender.name: contender.work().graphs for contender in training(setting)}
    assert counts["PyTorch Geometric, batch 32"] == 32
    assert {contender.work().graphs for contender in encoding(setting)} == {32}
    assert {c.name: c.work().graphs for c in decoding(setting)}["PyTorch Geometric, one at a time"] == 5


def test_measuring_leaves_the_weights_alone(setting: Setting) -> None:
    before = {name: weight.clone() for name, weight in setting.model.state_dict().items()}
    for contender in training(setting):
        contender.work()
    assert all(torch.equal(weight, before[name]) for name, weight in setting.model.state_dict().items())
