"""The whole way from a space to a measured checkpoint, on a model too small to be good."""

import json
from pathlib import Path

import torch

from models.autoencoders.checkpoint import load_autoencoder
from models.evaluation.pretraining import Pretraining, pretrain
from models.spaces.registry import get_space
from models.svge.config import SVGeConfig
from models.svge.distributed import Workers
from models.svge.training import TrainingConfig

WORKERS = Workers(torch.device("cpu"))
SMALL = SVGeConfig(node_size=16, message_size=16, hidden_size=16, latent_size=8)


def test_a_run_leaves_a_checkpoint_whose_card_holds_its_abilities(tmp_path: Path) -> None:
    training = TrainingConfig(num_steps=5, batch_size=16, precision="float32")
    run = Pretraining(SMALL, training, tmp_path / "run", tmp_path / "small.safetensors", num_graphs=200, num_measured=20)
    reported = []
    abilities = pretrain(get_space("enas_macro"), run, WORKERS, reported.append)
    card = json.loads((tmp_path / "small.json").read_text())
    assert card["abilities_percent"]["validity_constrained"] == abilities.validity_constrained == 100.0
    assert "20 of them held out" in card["data"]
    assert reported[-1].step == 5
    assert load_autoencoder(run.checkpoint, torch.device("cpu")).space.name == "enas_macro"


def test_an_untrained_model_reconstructs_next_to_nothing(tmp_path: Path) -> None:
    training = TrainingConfig(num_steps=1, batch_size=16, precision="float32")
    run = Pretraining(SMALL, training, tmp_path / "run", tmp_path / "small.safetensors", num_graphs=200, num_measured=20)
    abilities = pretrain(get_space("enas_macro"), run, WORKERS, lambda step: None)
    assert abilities.reconstruction < 1.0
