"""From a space to a checkpoint with its card: split, train, save, load again, and measure what was loaded."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from models.autoencoders.checkpoint import load_autoencoder, save_checkpoint
from models.evaluation.abilities import Abilities, measure_abilities
from models.spaces.space import SearchSpace
from models.svge.config import SVGeConfig
from models.svge.datasets import SAMPLED_GRAPHS, build_split
from models.svge.model import SVGe
from models.svge.packing import pack
from models.svge.training import TrainingConfig, TrainingStep, train


@dataclass(frozen=True)
class Pretraining:
    """A run: which model, how it is trained, on how many samples where the space is too large to list, and where.

    `folder` keeps the run's state and log, so that the same call goes on where a killed one stopped; `checkpoint` is the
    `.safetensors` file to write. The abilities are measured on up to `num_measured` held-out architectures and as many prior
    samples.
    """

    model: SVGeConfig
    training: TrainingConfig
    folder: Path
    checkpoint: Path
    num_graphs: int = SAMPLED_GRAPHS
    num_measured: int = 1000


def pretrain(space: SearchSpace, run: Pretraining, device: torch.device, report: Callable[[TrainingStep], None]) -> Abilities:
    """Train a model of `space`, write its checkpoint and card, and return the abilities of the checkpoint as it is loaded."""
    seed = run.training.seed
    split = build_split(space, seed, run.num_graphs)
    torch.manual_seed(seed)
    model = SVGe(run.model, space.vocabulary).to(device)
    train(model, pack(split.train, space.vocabulary), run.training, run.folder, report)
    details = {"data": split.origin, "training": asdict(run.training), "torch": torch.__version__}
    save_checkpoint(model, space.name, run.checkpoint, details)
    loaded = load_autoencoder(run.checkpoint, device)
    held_out = split.held_out[: run.num_measured]
    abilities = measure_abilities(loaded, held_out, split.train, seed, num_prior_samples=run.num_measured)
    save_checkpoint(model, space.name, run.checkpoint, {**details, "abilities_percent": asdict(abilities)})
    return abilities
