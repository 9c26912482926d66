"""The whole way from a space to a measured checkpoint, on a model too small to be good."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.autoencoders.checkpoint import load_autoencoder
from models.evaluation.pretraining import Pretraining, pretrain
from models.pretrained.catalogue import InvalidCheckpoint
from models.spaces.registry import get_space
from models.svge.config import SVGeConfig
from models.svge.distributed import Workers
from models.svge.run_folder import ForeignRun
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
    assert abilities is not None
    assert abilities.reconstruction < 1.0


def pretrained(folder: Path, **changes: object) -> tuple[Path, dict]:
    """The checkpoint of a run and its card."""
    training = TrainingConfig(num_steps=6, batch_size=16, precision="float32", **changes.pop("training", {}))
    run = Pretraining(SMALL, training, folder / "run", folder / "small.safetensors", num_graphs=200, num_measured=5)
    run = dataclasses.replace(run, **changes)
    pretrain(get_space("enas_macro"), run, WORKERS, lambda step: None)
    return run.checkpoint, json.loads(run.checkpoint.with_suffix(".json").read_text())


def test_a_run_goes_on_from_another_checkpoint_and_says_so(tmp_path: Path) -> None:
    start, card = pretrained(tmp_path / "first")
    again, next_card = pretrained(tmp_path / "second", start=start, training={"matrix_rate": 0.0, "learning_rate": 0.0})
    assert next_card["start"]["training"] == card["training"]
    first, second = (load_file(path) for path in (start, again))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_with_another_start_is_another_run(tmp_path: Path) -> None:
    start, _ = pretrained(tmp_path)
    with pytest.raises(ForeignRun, match="differs in start"):
        pretrained(tmp_path, start=start)


def test_a_start_of_other_sizes_is_refused(tmp_path: Path) -> None:
    start, _ = pretrained(tmp_path / "first")
    with pytest.raises(InvalidCheckpoint, match="start from a checkpoint of the same space and sizes"):
        pretrained(tmp_path / "second", start=start, model=dataclasses.replace(SMALL, node_size=18))


def test_triplets_and_validation_are_kept_in_the_log_and_the_card(tmp_path: Path) -> None:
    _, card = pretrained(tmp_path, with_triplets=True, training={"patience": 1, "validate_every": 3})
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert card["triplets"]
    assert all("triplet" in line for line in lines)
    assert any("validation" in line for line in lines)


def test_a_file_of_architectures_is_trained_on(tmp_path: Path) -> None:
    space, rng = get_space("enas_macro"), np.random.default_rng(0)
    data = tmp_path / "mine.jsonl"
    data.write_text(
        "".join(json.dumps({"native": space.format_native(space.sample(rng)), "accuracy": 0.5}) + "\n" for _ in range(40))
    )
    _, card = pretrained(tmp_path, data=data)
    assert "36 architectures" in card["data"]
    assert "mine.jsonl" in card["data"]


def test_too_few_architectures_to_validate_with_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected at least 10 architectures to validate with some, got 8"):
        pretrained(tmp_path, num_graphs=8, training={"patience": 1})
