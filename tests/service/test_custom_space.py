"""From a YAML file to a served model, by the commands: sample, draw, train, list, encode; and what a wrong file is told."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from models.evaluation.pretraining import Pretraining, pretrain
from models.spaces.registry import open_space
from models.svge.config import SVGeConfig
from models.svge.distributed import Workers
from models.svge.training import TrainingConfig
from service.cli import app

ROOT = Path(__file__).parents[2]
TEN_NODES = ROOT / "examples" / "spaces" / "ten_nodes.yaml"


def svge(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("{name: mine, operations: [conv3x3, skip], max_nodes: 5, output: last}")
    return path


def test_the_example_has_ten_nodes_and_eight_operations_and_is_sampled_and_drawn() -> None:
    space = open_space(str(TEN_NODES))
    assert (space.max_nodes, len(space.operations)) == (10, 8)
    sampled = svge("space", "sample", TEN_NODES, "--count", 3, "--seed", 1)
    assert sampled.exit_code == 0, sampled.output
    for line in sampled.stdout.splitlines():
        space.validate(space.parse_native(json.loads(line)))
    assert svge("space", "draw", TEN_NODES, text=sampled.stdout.splitlines()[0]).stdout.startswith("<svg")


def test_a_trained_space_goes_with_its_checkpoint(mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "small.safetensors"
    sizes = SVGeConfig(node_size=8, message_size=8, hidden_size=8, latent_size=3)
    training = TrainingConfig(num_steps=2, batch_size=8, precision="float32")
    run = Pretraining(sizes, training, tmp_path / "run", out, num_graphs=40, num_measured=4)
    pretrain(open_space(str(mine)), run, Workers(torch.device("cpu")), lambda step: None)
    mine.unlink()  # the card carries the definition
    folder = ("--models-folder", out.parent)
    assert "mine" in svge("space", "list", *folder).stdout
    decoded = svge("decode", "--model", "small", *folder, "--device", "cpu", "--random", 3)
    assert decoded.exit_code == 0, decoded.output
    architecture = json.loads(decoded.stdout.splitlines()[0])["architectures"][0]["architecture"]
    assert architecture["space"] == "mine"
    encoded = svge("encode", "--model", "small", *folder, "--device", "cpu", text=json.dumps(architecture))
    assert len(json.loads(encoded.stdout)["mean"]) == 3


def test_a_wrong_file_is_told_why(mine: Path) -> None:
    mine.write_text("{name: mine, operations: [conv3x3, skip], max_nodes: 5, min_nodes: 6}")
    for arguments in (("space", "sample", mine), ("train", "--space", mine, "--out", "x.safetensors")):
        result = svge(*arguments)
        assert result.exit_code == 2
        assert "'min_nodes' is 6, more than the 5 of 'max_nodes'" in result.stderr
        assert str(mine) in result.stderr
