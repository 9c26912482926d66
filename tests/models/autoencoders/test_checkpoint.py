"""Checkpoints: what is saved comes back, and what does not fit is refused with a reason."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.autoencoders.checkpoint import load_autoencoder, save_checkpoint
from models.pretrained.catalogue import InvalidCheckpoint
from models.spaces.registry import get_space
from tests.models.svge.small import SMALL, small_autoencoder, small_model

CPU = torch.device("cpu")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_checkpoint(small_model("nasbench101"), "nasbench101", path, {"note": "untrained"})
    return path


def test_a_saved_model_encodes_as_before(path: Path) -> None:
    loaded = load_autoencoder(path, CPU)
    rng = np.random.default_rng(0)
    architectures = [get_space("nasbench101").sample(rng) for _ in range(20)]
    before, after = small_autoencoder("nasbench101").encode(architectures), loaded.encode(architectures)
    torch.testing.assert_close(before.mean, after.mean, atol=5e-3, rtol=5e-3)
    assert loaded.latent_size == SMALL.latent_size
    assert json.loads(path.with_suffix(".json").read_text())["note"] == "untrained"


def test_a_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidCheckpoint, match="weights of 'small' are damaged"):
        load_autoencoder(path, CPU)


def test_weights_that_are_no_numbers_are_refused(path: Path) -> None:
    model = small_model("nasbench101")
    with torch.no_grad():
        model.decoder.node_output.bias[0] = float("nan")
    save_checkpoint(model, "nasbench101", path, {})
    with pytest.raises(InvalidCheckpoint, match="NaN or infinity in decoder.node_output.bias"):
        load_autoencoder(path, CPU)


def test_missing_weights_are_refused(path: Path) -> None:
    path.unlink()
    with pytest.raises(InvalidCheckpoint, match="belong together"):
        load_autoencoder(path, CPU)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"space": "nasbench101", "config": 3}'])
def test_a_card_that_is_none_is_refused(path: Path, text: str) -> None:
    path.with_suffix(".json").write_text(text)
    with pytest.raises(InvalidCheckpoint, match="is not one of a checkpoint"):
        load_autoencoder(path, CPU)


def test_a_missing_card_is_refused(path: Path) -> None:
    path.with_suffix(".json").unlink()
    with pytest.raises(InvalidCheckpoint, match="card"):
        load_autoencoder(path, CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 99}, "format version"),
        ({"space": "nasbench201"}, "was trained on the labels"),
        ({"vocabulary": None}, "was trained on the labels"),
        ({"config": {"latent_size": 12, "node_size": 8}}, "do not fit its card"),
        ({"config": {"latent_size": 12, "colour": "blue"}}, "do not fit its card"),
    ],
)
def test_a_card_that_contradicts_the_weights_is_refused(path: Path, change: dict, message: str) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(InvalidCheckpoint, match=message):
        load_autoencoder(path, CPU)
