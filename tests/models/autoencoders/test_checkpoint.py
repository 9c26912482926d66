"""Checkpoints: what is saved comes back, and what does not fit is refused with a reason."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.autoencoders.checkpoint import load_autoencoder, save_checkpoint
from models.autoencoders.kinds import kind_names
from models.pretrained.catalogue import InvalidCheckpoint
from models.spaces.registry import define_space, definition_of, get_space
from models.svge.graph_model import GraphModel
from models.svge.model import SVGe
from models.svge.packing import pack
from tests.models.baselines.small import small_dvae, small_gin
from tests.models.svge.small import SMALL, small_autoencoder, small_model

CPU = torch.device("cpu")
GOLDEN = Path(__file__).parents[2] / "golden"


def small_of(kind: str, space: str) -> GraphModel:
    return {"svge": small_model, "gin": small_gin, "dvae": small_dvae}[kind](space)


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


@pytest.mark.parametrize("kind", kind_names())
def test_every_kind_comes_back_with_its_config(kind: str, tmp_path: Path) -> None:
    model = small_of(kind, "nasbench101")
    save_checkpoint(model, "nasbench101", tmp_path / "model.safetensors", {})
    loaded = load_autoencoder(tmp_path / "model.safetensors", CPU)
    assert json.loads((tmp_path / "model.json").read_text())["kind"] == kind
    assert loaded.model.config == model.config
    assert type(loaded.model) is type(model)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], tensor, atol=1e-3, rtol=1e-3)


def test_a_checkpoint_of_the_first_format_encodes_as_ever() -> None:
    """Its card names no kind. The numbers are those of the day it was written."""
    autoencoder = load_autoencoder(GOLDEN / "svge_v1.safetensors", CPU)
    native = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    with torch.inference_mode():
        posterior = autoencoder.model.encode(pack([autoencoder.space.parse_native(native)], autoencoder.space.vocabulary))
    torch.testing.assert_close(posterior.mean, torch.tensor([[1.2294, 1.4570, 0.4918]]), atol=2e-4, rtol=0)
    torch.testing.assert_close(posterior.log_var, torch.tensor([[1.2102, -1.3533, -0.7890]]), atol=2e-4, rtol=0)
    served = autoencoder.encode([autoencoder.space.parse_native(native)])
    torch.testing.assert_close(served.mean, posterior.mean, atol=0.02, rtol=0)


def test_a_checkpoint_of_a_users_space_brings_its_definition(tmp_path: Path) -> None:
    definition = {"name": "tiny_cells", "operations": ["conv", "pool"], "max_nodes": 5}
    space = define_space(definition)
    torch.manual_seed(0)
    model = SVGe(SMALL, space.vocabulary)
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(model, "tiny_cells", path, {"space_definition": definition_of(space)})
    loaded = load_autoencoder(path, CPU)
    for architecture in loaded.decode(torch.randn(20, SMALL.latent_size, generator=torch.Generator().manual_seed(0))):
        space.validate(architecture)
    for change, message in (
        ({"space_definition": {**definition, "max_nodes": 1}}, "cannot be used: 'max_nodes'"),
        ({"space_definition": [1]}, "cannot be used"),
        ({"space_definition": None}, "unknown search space 'tiny_cells'"),
        ({"space": "other"}, "names the space 'other', but defines 'tiny_cells'"),
        ({"space_definition": {**definition, "operations": ["conv", "other"]}}, "was trained on the labels"),
    ):
        card = json.loads(path.with_suffix(".json").read_text())
        copy = tmp_path / "copy.safetensors"
        copy.write_bytes(path.read_bytes())
        copy.with_suffix(".json").write_text(json.dumps(card | change))
        with pytest.raises(InvalidCheckpoint, match=message):
            load_autoencoder(copy, CPU)


@pytest.mark.parametrize("keep", [0, 4, 40, -100])
def test_a_truncated_file_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InvalidCheckpoint, match="weights of 'small' are damaged"):
        load_autoencoder(path, CPU)


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip file, as torch.save writes", b"\x80\x02a pickle", b"plain text\n" * 99])
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match="weights of 'small' are damaged"):
        load_autoencoder(path, CPU)


def test_weights_of_another_kind_are_refused(path: Path, tmp_path: Path) -> None:
    save_checkpoint(small_dvae("nasbench101"), "nasbench101", tmp_path / "other.safetensors", {})
    (tmp_path / "other.safetensors").replace(path)
    with pytest.raises(InvalidCheckpoint, match="do not fit its card"):
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
        ({"config": {"latent_size": 12, "colour": "blue"}}, "has no field 'colour'"),
        ({"config": {"latent_size": "12"}}, "expected 'latent_size' to be a whole number of at least 1, got '12'"),
        ({"config": {"latent_size": 12, "node_size": -1}}, "expected 'node_size' to be a whole number of at least 1, got -1"),
        ({"config": {"latent_size": 12, "kl_weight": float("nan")}}, "expected 'kl_weight' to be a number of at least 0, got nan"),
        ({"kind": "gpt"}, "unknown kind of model 'gpt'; expected one of svge, gin, dvae"),
        ({"kind": "dvae"}, "has no field"),
        ({"space": "nasbench999"}, "a space that is not here"),
    ],
)
def test_a_card_that_contradicts_the_weights_is_refused(path: Path, change: dict, message: str) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(InvalidCheckpoint, match=message):
        load_autoencoder(path, CPU)
