"""From a space to a checkpoint with its card: split, train, save, load again, and measure what was loaded."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from models.autoencoders.checkpoint import load_autoencoder, save_checkpoint
from models.autoencoders.kinds import build_model
from models.datasets.loading import load_measured
from models.evaluation.abilities import Abilities, measure_abilities
from models.evaluation.held_out import split_measured
from models.evaluation.progress import Report, silent
from models.pretrained.catalogue import DEFINITION, InvalidCheckpoint, read_card
from models.spaces.registry import definition_of
from models.spaces.space import SearchSpace
from models.svge.datasets import SAMPLED_GRAPHS, Split, build_split, hold_out
from models.svge.distributed import Workers
from models.svge.graph_model import GraphModel, ModelConfig
from models.svge.packing import pack
from models.svge.training import TrainingConfig, TrainingData, TrainingStep, train
from models.svge.triplets import find_positives

VALIDATION_GRAPHS = 1000


@dataclass(frozen=True)
class Pretraining:
    """A run: which model, how it is trained, on what, and where.

    `folder` keeps the run's state and log, so that the same call goes on where a killed one stopped; `checkpoint` is the
    `.safetensors` file to write. `data` is a file of measured architectures to train on; without it the space is listed, or
    sampled `num_graphs` times where it is too large. `start` is a checkpoint of the same space and config whose weights the run
    begins with. `with_triplets` adds Eq. 17's triplet loss. The abilities are measured on up to `num_measured` held-out
    architectures and as many prior samples.
    """

    model: ModelConfig
    training: TrainingConfig
    folder: Path
    checkpoint: Path
    data: Path | None = None
    start: Path | None = None
    with_triplets: bool = False
    num_graphs: int = SAMPLED_GRAPHS
    num_measured: int = 200
    tensorboard: bool = False


def pretrain(
    space: SearchSpace,
    run: Pretraining,
    workers: Workers,
    report: Callable[[TrainingStep], None],
    progress: Report = silent,
) -> Abilities | None:
    """Train a model of `space`, write its checkpoint and card, and return the abilities of the checkpoint as it is loaded.

    `progress` hears of the work before and after the training. Only the leading one of several workers writes and measures; the
    others return None.
    """
    seed = run.training.seed
    split = _split(space, run)
    torch.manual_seed(seed)
    model = build_model(run.model, space.vocabulary).to(workers.device)
    start = None if run.start is None else _start_from(model, run.start, space)
    data = _training_data(space, split, run, progress)
    seconds = train(model, data, run.training, run.folder, report, workers=workers, tensorboard=run.tensorboard)
    if not workers.leads:
        return None
    details = {
        DEFINITION: definition_of(space),
        "data": split.origin,
        "start": start,
        "triplets": run.with_triplets,
        "training": asdict(run.training),
        "processor_seconds": round(seconds),
        "torch": torch.__version__,
    }
    return _save_and_measure(model, space, run, split, details, progress)


def _split(space: SearchSpace, run: Pretraining) -> Split:
    if run.data is None:
        return build_split(space, run.training.seed, run.num_graphs)
    parts = split_measured(load_measured(run.data, space), space, run.training.seed)
    return Split(list(parts.train.architectures), list(parts.test.architectures), parts.train.source)


def _training_data(space: SearchSpace, split: Split, run: Pretraining, progress: Report) -> TrainingData:
    train_on, validation = split.train, None
    start = None if run.start is None else read_card(run.start).hash
    if run.training.patience is not None:
        train_on, validate_with = hold_out(split.train, VALIDATION_GRAPHS, run.training.seed)
        validation = pack(validate_with, space.vocabulary)
    if not run.with_triplets:
        return TrainingData(pack(train_on, space.vocabulary), validation, start=start)
    triplets = find_positives(
        train_on, split.held_out, space, run.training.seed, lambda done: progress("finding triplets", done, len(train_on))
    )
    if not triplets.complete.any():
        raise ValueError(f"no architecture of '{space.name}' has another within two edits; train without triplets")
    return TrainingData(triplets.graphs, validation, triplets, start)


def _start_from(model: GraphModel, path: Path, space: SearchSpace) -> dict[str, Any]:
    """Give the model the weights of a checkpoint, and return how that was trained."""
    card = read_card(path)
    start = load_autoencoder(path, torch.device("cpu"))
    if start.space != space or _sizes(start.model.config) != _sizes(model.config):
        raise InvalidCheckpoint(
            f"'{card.name}' is a {start.model.config} of '{start.space.name}', the run trains a {model.config} of '{space.name}'; "
            "start from a checkpoint of the same space and sizes"
        )
    model.load_state_dict(start.model.state_dict())
    told = (DEFINITION, "abilities_percent", "abilities_of", "torch", "format_version", "vocabulary", "space")
    return {name: value for name, value in card.details.items() if name not in told}


def _sizes(config: ModelConfig) -> dict[str, Any]:
    """What must be the same for the weights of one config to fit another."""
    weights = ("kl_weight", "posterior_noise_scale")
    return {"": type(config).__name__, **{name: value for name, value in asdict(config).items() if name not in weights}}


def _save_and_measure(
    model: GraphModel, space: SearchSpace, run: Pretraining, split: Split, details: Mapping[str, Any], progress: Report
) -> Abilities:
    save_checkpoint(model, space.name, run.checkpoint, details)
    loaded = load_autoencoder(run.checkpoint, next(model.parameters()).device)
    held_out = split.held_out[: run.num_measured]
    abilities = measure_abilities(loaded, held_out, split.train, run.training.seed, run.num_measured, progress)
    measured = {"abilities_percent": asdict(abilities), "abilities_of": f"{len(held_out)} held-out architectures"}
    save_checkpoint(model, space.name, run.checkpoint, {**details, **measured})
    return abilities
