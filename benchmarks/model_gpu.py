"""Graphs a second on a GPU, and what share of the card's own rate in matrix products that is.

    python -m benchmarks.model_gpu --seconds 2 --out benchmarks/results/model_gpu.json

The shipped checkpoints train, encode and decode on the card, in batches of several sizes, beside the same equations in PyTorch
Geometric on the same card. Before anything is timed the card's latents and decodings are compared with those of the CPU. The rate
of the card is that of one large product of random matrices in each precision.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.utils.flop_counter import FlopCounterMode
from torch_geometric.data import Batch

from benchmarks.geometric_svge import Step, TrainingBatch, collate, prepare
from benchmarks.interleaved import Contender, Speed, Work, compare, machine
from benchmarks.model_speed import PUBLISHED_BATCH, PUBLISHED_RATE, SEED, Setting, Sizes, build_setting, shipped_model
from models.autoencoders.autoencoder import GraphAutoencoder
from models.spaces.registry import get_space
from models.svge.geometric import to_data
from models.svge.packing import PackedGraphs, pack
from models.svge.precision import uses_bfloat16
from models.svge.sampling import FreeRule
from models.svge.training import TrainingConfig, TrainingData, TrainingStep, train

ROUNDS = 2
TRAINING_GRAPHS = {"enas_macro": 17_114, "nasbench101": 413_624}
"""What an epoch of each space is: the published training split, and all cells but those held out."""

BATCHES = (128, 1024, 8192)
GEOMETRIC_BATCHES = (PUBLISHED_BATCH, 1024)
INFERENCE_BATCHES = (1024, 8192)
STEPS = 12
"""Optimiser steps a call; what a run does once is no part of them."""

MATRIX_SIDE = 8192
ALONE = 20
"""Latents that are decoded one at a time in a call."""

PRECISIONS = ("float32", "bfloat16")
COUNTED = 64
"""Graphs in the batch whose operations are counted."""


@dataclass(frozen=True)
class Row:
    """One way to do one task: how fast, and what that is in matrix products."""

    space: str
    task: str
    name: str
    batch: int
    graphs_per_second: float
    rounds: tuple[float, ...]
    teraflops: float
    share_of_card: float | None
    epoch_seconds: float | None


@dataclass(frozen=True)
class Card:
    """The device, and the operations a second of its matrix products in each precision."""

    device: torch.device
    name: str
    rates: dict[str, float]


def measure_card(device: torch.device) -> Card:
    rates = {"bfloat16": _product_rate(device, torch.bfloat16), "float32": _product_rate(device, torch.float32)}
    return Card(device, torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU", rates)


def _product_rate(device: torch.device, dtype: torch.dtype, repeats: int = 15) -> float:
    """Operations a second of one square product, the median of several."""
    left, right = (torch.randn(MATRIX_SIDE, MATRIX_SIDE, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats + 3):
        _wait_for(device)
        start = time.perf_counter()
        left @ right
        _wait_for(device)
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX_SIDE**3 / statistics.median(seconds[3:])


def agreement(setting: Setting, device: torch.device) -> dict[str, float]:
    """How far the card's latents are from the CPU's, and the share of greedy decodings and of labels that are the same."""
    on_cpu = GraphAutoencoder(deepcopy(setting.model), setting.space, torch.device("cpu"))
    on_card = GraphAutoencoder(deepcopy(setting.model), setting.space, device)
    architectures = setting.architectures[: setting.sizes.encoded]
    with torch.inference_mode():
        expected = setting.model.encode(pack(architectures, setting.space.vocabulary)).mean
    found = on_card.encode(architectures).mean
    decoded = zip(on_cpu.decode(expected), on_card.decode(expected), architectures, strict=True)
    same = [(here == there, there == truth) for here, there, truth in decoded]
    return {
        "largest_difference": float((found - expected).abs().max()),
        "spread_of_latents": float(expected.std(dim=0).mean()),
        "same_decodings": sum(first for first, _ in same) / len(same),
        "reconstructed": sum(second for _, second in same) / len(same),
    }


def operations(setting: Setting) -> dict[str, float]:
    """Operations of matrix products that one graph takes in each task."""
    model, space = setting.model, setting.space
    packed = pack(setting.architectures[:COUNTED], space.vocabulary)
    latents = torch.randn(COUNTED, model.config.latent_size, generator=torch.Generator().manual_seed(SEED))
    noise = torch.Generator().manual_seed(SEED)
    learner = deepcopy(model).train()
    tasks: dict[str, Callable[[], object]] = {
        "training": lambda: learner(packed, noise).total.backward(),
        "encoding": lambda: model.encode(packed),
        "sampling": lambda: model.sample(latents, FreeRule(space.max_nodes), noise),
    }
    counts = {}
    for task, work in tasks.items():
        with FlopCounterMode(display=False) as counter:
            work()
        counts[task] = counter.get_total_flops() / COUNTED
    return counts


def training(setting: Setting, device: torch.device) -> Iterator[tuple[Contender, int, str]]:
    """One optimiser step after the other, with putting the batch together and bringing it to the card."""
    packed = pack(setting.architectures, setting.space.vocabulary)
    for batch in BATCHES:
        config = TrainingConfig(num_steps=2 * STEPS, batch_size=batch, seed=SEED)
        precision = "bfloat16" if uses_bfloat16(config.precision, device) else "float32"
        yield Contender("training", f"SVGe, {precision}", _own_training(setting, packed, config, device)), batch, precision
    for batch in GEOMETRIC_BATCHES:
        yield Contender("training", "PyTorch Geometric", _geometric_training(setting, batch, device)), batch, "float32"


def _own_training(setting: Setting, packed: PackedGraphs, config: TrainingConfig, device: torch.device) -> Callable[[], Work]:
    learner = deepcopy(setting.model).to(device)

    def work() -> Work:
        reports: list[TrainingStep] = []
        half = config.num_steps // 2
        with TemporaryDirectory() as folder:
            train(learner, TrainingData(packed), config, Path(folder), reports.append, report_every=half)
        # What a run does once, at its start and its end, is no part of the second half's time.
        graphs = half * config.batch_size
        return Work(graphs, graphs / reports[-1].graphs_per_second)

    return work


def _geometric_training(setting: Setting, batch: int, device: torch.device, steps: int = 2) -> Callable[[], Work]:
    learner = deepcopy(setting.geometric).to(device).train()
    prepared = [prepare(to_data(one, setting.space.vocabulary)) for one in setting.architectures[: max(batch, 1024)]]
    optimizer = torch.optim.Adam(learner.parameters(), lr=PUBLISHED_RATE)
    shuffle, noise = torch.Generator().manual_seed(SEED), torch.Generator(device).manual_seed(SEED)

    def run() -> None:
        for _ in range(steps):
            rows = torch.randperm(len(prepared), generator=shuffle)[:batch]
            ready = _on_card(collate([prepared[row] for row in rows.tolist()]), device)
            optimizer.zero_grad()
            with device:
                learner(ready, noise).total.backward()
            optimizer.step()

    return lambda: _timed_on_card(steps * batch, run, device)


def _on_card(batch: TrainingBatch, device: torch.device) -> TrainingBatch:
    return TrainingBatch(batch.graphs.to(device), [Step(rows.to(device), prefixes.to(device)) for rows, prefixes in batch.steps])


def encoding(setting: Setting, device: torch.device) -> Iterator[tuple[Contender, int, str]]:
    """Posteriors of graphs that lie on the card as tensors, and from architectures to latents on the CPU."""
    model = deepcopy(setting.model).to(device).eval()
    for batch in INFERENCE_BATCHES:
        packed = pack(setting.architectures[:batch], setting.space.vocabulary).to(device)
        for precision in PRECISIONS:
            work = _inference(batch, lambda packed=packed: model.encode(packed), device, precision)  # type: ignore[misc]
            yield Contender("encoding", f"SVGe, {precision}", work), batch, precision
    geometric, smallest, largest = deepcopy(setting.geometric).to(device).eval(), min(INFERENCE_BATCHES), max(INFERENCE_BATCHES)
    data = [to_data(one, setting.space.vocabulary) for one in setting.architectures[:smallest]]
    graphs = Batch.from_data_list(data).to(device)
    work = _inference(smallest, lambda: geometric.encoder(graphs), device, "float32")
    yield Contender("encoding", "PyTorch Geometric", work), smallest, "float32"
    autoencoder = GraphAutoencoder(model, setting.space, device)
    architectures = setting.architectures[:largest]
    whole = _inference(largest, lambda: autoencoder.encode(architectures), device, "float32")
    yield Contender("encoding", "SVGe, from architectures", whole), largest, "float32"


def sampling(setting: Setting, device: torch.device) -> Iterator[tuple[Contender, int, str]]:
    """One graph for each of many points of the prior: free, as tensors; and by the grammar, as canonical architectures."""
    model, size = deepcopy(setting.model).to(device).eval(), setting.model.config.latent_size
    noise = torch.Generator(device).manual_seed(SEED)
    rule = FreeRule(setting.space.max_nodes)
    largest = max(INFERENCE_BATCHES)
    latents = torch.randn(largest, size, device=device, generator=noise)
    for batch in INFERENCE_BATCHES:
        for precision in PRECISIONS:
            work = _inference(batch, lambda batch=batch: model.sample(latents[:batch], rule, noise), device, precision)  # type: ignore[misc]
            yield Contender("sampling", f"SVGe, {precision}", work), batch, precision
    geometric = deepcopy(setting.geometric).to(device).eval()

    def one_at_a_time() -> None:
        with device:
            for latent in latents[:ALONE].split(1):
                geometric.decode(latent, rule.max_nodes, noise)

    work = _inference(ALONE, one_at_a_time, device, "float32")
    yield Contender("sampling", "PyTorch Geometric, one at a time", work), 1, "float32"
    autoencoder = GraphAutoencoder(model, setting.space, device)
    whole = _inference(largest, lambda: autoencoder.decode(latents, noise), device, "float32")
    yield Contender("sampling", "SVGe, by the grammar, as canonical architectures", whole), largest, "float32"


def _inference(graphs: int, call: Callable[[], object], device: torch.device, precision: str) -> Callable[[], Work]:
    def work() -> Work:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            return _timed_on_card(graphs, call, device)

    return work


def _timed_on_card(graphs: int, call: Callable[[], object], device: torch.device) -> Work:
    _wait_for(device)
    start = time.perf_counter()
    call()
    _wait_for(device)
    return Work(graphs, time.perf_counter() - start)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(setting: Setting, card: Card, seconds: float) -> list[Row]:
    """All tasks of a space; contenders of one task take turns."""
    counts, rows = operations(setting), []
    for task in (training, encoding, sampling):
        entries = list(task(setting, card.device))
        speeds = compare([contender for contender, _, _ in entries], ROUNDS, seconds)
        for (_, batch, precision), speed in zip(entries, speeds, strict=True):
            rows.append(_row(setting.space.name, speed, batch, counts[speed.task], card.rates[precision]))
            print(markdown([rows[-1]]).splitlines()[-1], flush=True)
    return rows


def _row(space: str, speed: Speed, batch: int, count: float, rate: float) -> Row:
    own = speed.name.startswith("SVGe")
    done = speed.graphs_per_second * count
    epoch = TRAINING_GRAPHS[space] / speed.graphs_per_second if speed.task == "training" else None
    share = done / rate if own else None
    return Row(
        space, speed.task, speed.name, batch, speed.graphs_per_second, speed.rounds, done / 1e12 if own else 0.0, share, epoch
    )


def markdown(rows: list[Row]) -> str:
    """One row a contender."""
    lines = [
        "| space | task | with | batch | graphs/s (lowest to highest) | TFLOP/s in products, share of the card's | an epoch, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        products = "" if row.share_of_card is None else f"{row.teraflops:.2f}, {row.share_of_card:.2%}"
        epoch = "" if row.epoch_seconds is None else f"{row.epoch_seconds:,.1f}"
        span = f"{row.graphs_per_second:,.0f} ({min(row.rounds):,.0f} to {max(row.rounds):,.0f})"
        lines.append(f"| {row.space} | {row.task} | {row.name} | {row.batch:,} | {span} | {products} | {epoch} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each contender in each task, in all rounds together")
    parser.add_argument("--spaces", default="enas_macro,nasbench101")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/model_gpu.json"))
    options = parser.parse_args(arguments)
    card = measure_card(torch.device(options.device))
    print(card.name, {name: f"{rate / 1e12:.0f} TFLOP/s" for name, rate in card.rates.items()}, flush=True)
    rows: list[Row] = []
    agreements = {}
    for name in options.spaces.split(","):
        space = get_space(name)
        setting = build_setting(shipped_model(space), space, {}, Sizes(training_graphs=max(BATCHES)))
        agreements[name] = agreement(setting, card.device)
        print(name, agreements[name], flush=True)
        rows += measure(setting, card, options.seconds)
        write(options.out, card, agreements, rows)
    print(markdown(rows))


def write(path: Path, card: Card, agreements: dict[str, dict[str, float]], rows: list[Row]) -> None:
    """The figures with all that they depend on, as JSON."""
    about = {**machine(), "card": card.name, "card_rates": card.rates}
    report = {"date": date.today().isoformat(), "machine": about, "agreement": agreements, "rows": [asdict(row) for row in rows]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
