"""Graphs a second of training, encoding and decoding against the same equations written in PyTorch Geometric.

    python -m benchmarks.model_speed --threads 2 --space enas_macro --seconds 20

Both hold the same weights, those of the shipped checkpoint where the space has one. The baseline of training runs at the published
batch size and at ours; that of decoding does one graph at a time, as published, and stands beside its own batched form. D-VAE is
the one of `models/baselines`, dense and in lock-step as SVGe is, at its published size with random weights. Let nothing else run
meanwhile: the load average before and after is kept with the figures.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch_geometric.data import Batch

from benchmarks.geometric_svge import GeometricSVGe, Prepared, collate, prepare
from benchmarks.geometric_weights import to_geometric
from benchmarks.interleaved import Contender, Speed, Work, compare, machine, ratios, table, timed
from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import CPU_BATCH_SIZE, GraphAutoencoder
from models.autoencoders.kinds import build_model, published_config
from models.pretrained.catalogue import UnknownModel, default_card
from models.spaces.registry import get_space
from models.spaces.space import SearchSpace
from models.svge.config import SVGeConfig
from models.svge.datasets import sample_distinct
from models.svge.geometric import to_data
from models.svge.graph_model import GraphModel
from models.svge.model import SVGe
from models.svge.packing import PackedGraphs, pack, unpack_one
from models.svge.sampling import FreeRule
from models.svge.training import TrainingConfig, TrainingData, TrainingStep, train

SEED = 0
ROUNDS = 5
PUBLISHED_BATCH = 32
PUBLISHED_RATE = 1e-4


@dataclass(frozen=True)
class Sizes:
    """How much is worked on: graphs to train on, optimiser steps a call, graphs to encode at once, latents to decode."""

    training_graphs: int = 4096
    training_steps: int = 4
    encoded: int = 1024
    decoded: int = 1000
    decoded_alone: int = 25


@dataclass(frozen=True)
class Setting:
    """What all contenders share. `baselines` are other models of this project, by name."""

    space: SearchSpace
    model: SVGe
    geometric: GeometricSVGe
    baselines: dict[str, GraphModel]
    architectures: list[Architecture]
    sizes: Sizes


def build_setting(model: SVGe, space: SearchSpace, baselines: dict[str, GraphModel], sizes: Sizes) -> Setting:
    """The same weights in both forms, and distinct uniform samples of the space."""
    count = max(sizes.training_graphs, sizes.encoded)
    architectures = sample_distinct(space, count, np.random.default_rng(SEED))
    return Setting(space, model.eval(), to_geometric(model).eval(), baselines, architectures, sizes)


def shipped_model(space: SearchSpace) -> SVGe:
    """The weights of the space's checkpoint, or random ones where it has none."""
    torch.manual_seed(SEED)
    try:
        card = default_card(space.name)
    except UnknownModel:
        return SVGe(SVGeConfig(), space.vocabulary)
    model = SVGe(SVGeConfig(**card.details["config"]), space.vocabulary)
    model.load_state_dict({name: weight.float() for name, weight in load_file(card.path).items()})
    return model


def training(setting: Setting) -> Iterator[Contender]:
    """One optimiser step after the other, with putting the batch together."""
    task = "training"
    config = TrainingConfig(num_steps=2 * setting.sizes.training_steps, seed=SEED)
    architectures = setting.architectures[: setting.sizes.training_graphs]
    packed = pack(architectures, setting.space.vocabulary)
    yield Contender(task, f"SVGe, batch {config.batch_size}", _own_training(setting.model, packed, config))
    prepared = [prepare(to_data(architecture, setting.space.vocabulary)) for architecture in architectures]
    for batch_size in (PUBLISHED_BATCH, config.batch_size):
        work = _geometric_training(setting.geometric, prepared, batch_size, setting.sizes.training_steps)
        yield Contender(task, f"PyTorch Geometric, batch {batch_size}", work)
    for name, model in setting.baselines.items():
        yield Contender(task, f"{name}, batch {config.batch_size}", _own_training(model, packed, config))


def _own_training(model: GraphModel, packed: PackedGraphs, config: TrainingConfig) -> Callable[[], Work]:
    learner = deepcopy(model)

    def work() -> Work:
        reports: list[TrainingStep] = []
        half = config.num_steps // 2
        with TemporaryDirectory() as folder:
            train(learner, TrainingData(packed), config, Path(folder), reports.append, report_every=half)
        # What a run does once, at its start and its end, is no part of the second half's time.
        graphs = half * config.batch_size
        return Work(graphs, graphs / reports[-1].graphs_per_second)

    return work


def _geometric_training(model: GeometricSVGe, prepared: list[Prepared], batch_size: int, steps: int) -> Callable[[], Work]:
    learner = deepcopy(model).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=PUBLISHED_RATE)
    generator = torch.Generator().manual_seed(SEED)

    def run() -> None:
        for _ in range(steps):
            rows = torch.randperm(len(prepared), generator=generator)[:batch_size]
            losses = learner(collate([prepared[row] for row in rows.tolist()]), generator)
            optimizer.zero_grad()
            losses.total.backward()
            optimizer.step()

    return lambda: timed(steps * batch_size, run)


def encoding(setting: Setting) -> Iterator[Contender]:
    """Posteriors of one batch, from tensors that are ready and from architectures."""
    count, vocabulary = setting.sizes.encoded, setting.space.vocabulary
    architectures = setting.architectures[:count]
    packed = pack(architectures, vocabulary)
    encoder = setting.geometric.encoder

    def collated() -> Batch:
        return Batch.from_data_list([to_data(architecture, vocabulary) for architecture in architectures])

    ready = collated()
    task = f"encoding {count:,}"
    autoencoder = GraphAutoencoder(setting.model, setting.space, torch.device("cpu"))
    parts = [packed.select(rows) for rows in torch.arange(count).split(CPU_BATCH_SIZE)]
    own = _inference(count, lambda: [setting.model.encode(part) for part in parts])
    yield Contender(task, f"SVGe, {CPU_BATCH_SIZE} at a time", _autocast(autoencoder, own))
    yield Contender(task, f"SVGe, {CPU_BATCH_SIZE} at a time, single precision", own)
    yield Contender(task, "PyTorch Geometric, at once", _inference(count, lambda: encoder(ready)))
    for name, model in setting.baselines.items():
        yield Contender(task, name, _inference(count, partial(model.encode, packed)))
    task = f"encoding {count:,}, from architectures"
    yield Contender(task, "SVGe", _inference(count, lambda: autoencoder.encode(architectures)))
    yield Contender(task, "PyTorch Geometric", _inference(count, lambda: encoder(collated())))


def decoding(setting: Setting) -> Iterator[Contender]:
    """One graph sampled for each of many points of the prior, as node types and edges, without a grammar but for the last."""
    count, max_nodes = setting.sizes.decoded, setting.space.max_nodes
    latents = torch.randn(count, setting.model.config.latent_size, generator=torch.Generator().manual_seed(SEED))
    generator = torch.Generator().manual_seed(SEED)
    geometric = setting.geometric
    task = f"sampling {count:,} latents"
    own = _inference(count, lambda: [_sample(setting.model, part, max_nodes, generator) for part in latents.split(CPU_BATCH_SIZE)])
    autoencoder = GraphAutoencoder(setting.model, setting.space, torch.device("cpu"))
    yield Contender(task, f"SVGe, {CPU_BATCH_SIZE} at a time", _autocast(autoencoder, own))
    yield Contender(task, f"SVGe, {CPU_BATCH_SIZE} at a time, single precision", own)
    parts = cycle(latents.split(setting.sizes.decoded_alone))

    def one_at_a_time() -> Work:
        part = next(parts)
        return timed(len(part), lambda: [geometric.decode(latent, max_nodes, generator) for latent in part.split(1)])

    yield Contender(task, "PyTorch Geometric, one at a time", one_at_a_time)
    batched = _inference(count, lambda: geometric.decode(latents, max_nodes, generator))
    yield Contender(task, "PyTorch Geometric, one batch", batched)
    for name, model in setting.baselines.items():
        points = torch.randn(count, model.config.latent_size, generator=torch.Generator().manual_seed(SEED))
        yield Contender(task, name, _inference(count, partial(_sample, model, points, max_nodes, generator)))
    whole = _inference(count, lambda: autoencoder.decode(latents, generator))
    yield Contender(task, "SVGe, by the grammar, as canonical architectures", whole)


def _sample(model: GraphModel, latents: Tensor, max_nodes: int, generator: torch.Generator) -> list[object]:
    types, adjacency, num_nodes = (part.tolist() for part in model.sample(latents, FreeRule(max_nodes), generator))
    rows = zip(types, adjacency, num_nodes, strict=True)
    return [unpack_one(labels[:n], [row[:n] for row in edges[:n]], model.vocabulary) for labels, edges, n in rows]


def _inference(graphs: int, call: Callable[[], object]) -> Callable[[], Work]:
    def work() -> Work:
        with torch.inference_mode():
            return timed(graphs, call)

    return work


def _autocast(autoencoder: GraphAutoencoder, work: Callable[[], Work]) -> Callable[[], Work]:
    """The same work in the precision that the project itself encodes and decodes in on this machine."""

    def in_its_precision() -> Work:
        with autoencoder.autocast():
            return work()

    return in_its_precision


def measure(setting: Setting, rounds: int, seconds: float) -> list[Speed]:
    """All three tasks; contenders of the same task take turns."""
    speeds: list[Speed] = []
    for task in (training, encoding, decoding):
        contenders = list(task(setting))
        for name in dict.fromkeys(contender.task for contender in contenders):
            speeds += compare([contender for contender in contenders if contender.task == name], rounds, seconds)
    return speeds


def write(path: Path, setting: Setting, seconds: float, before: dict[str, object], speeds: list[Speed]) -> None:
    """The figures with all that they depend on, as JSON."""
    rows = [{**asdict(speed), "first_is_faster_by": ratio} for speed, ratio in zip(speeds, ratios(speeds), strict=True)]
    load_after = machine()["load_average_1_min"]
    report = {
        "date": date.today().isoformat(),
        "machine": {**before, "load_average_1_min_after": load_after},
        "space": setting.space.name,
        "config": asdict(setting.model.config),
        "seconds": seconds,
        "speeds": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--space", default="enas_macro")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each contender in each task, in all rounds together")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/model_speed.json"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    space = get_space(options.space)
    before = machine()
    model = shipped_model(space)
    dvae = build_model(published_config("dvae", space), space.vocabulary)
    setting = build_setting(model, space, {"D-VAE": dvae.eval()}, Sizes())
    speeds = measure(setting, ROUNDS, options.seconds)
    write(options.out, setting, options.seconds, before, speeds)
    print(table(speeds))


if __name__ == "__main__":
    main()
