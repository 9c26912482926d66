"""How many evaluations a search needs on a table of measured architectures: the service's strategies and baselines, from nothing.

    python benchmarks/search_curves.py --data nasbench201.csv --column cifar10_val --seeds 20 --evaluations 200 --json curves.json

Any file that `docs/data.md` describes will do; its rows are the whole space. Each run starts with nothing observed and evaluates a
row at most once, so that a space is a pool. `--peers` adds curves of other systems to the picture, from a CSV file with the columns
method, seed, evaluation, best_so_far.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from rich.progress import Progress

from models.autoencoders.checkpoint import load_autoencoder
from models.datasets.data_file import DataFileError
from models.datasets.loading import load_measured
from models.datasets.measured import UnknownMetric
from models.evaluation.measured_space import MeasuredAutoencoder, MeasuredSpace
from models.evaluation.table_baselines import baselines
from models.evaluation.table_search import Curves, curves, search_table
from models.pretrained.catalogue import FOLDER, UnknownModel, default_card, find_card
from models.search.proposal import STRATEGIES, Direction
from models.spaces.registry import get_space

MARKERS = "osv^<>DPX*ph"
BASELINES = ("uniform", "local_search", "evolution", "hamming_gp")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


@dataclass(frozen=True)
class Table:
    """A table to search: its file, column and space, whether large values are good, and the checkpoint to search with."""

    data: Path
    column: str
    space: str
    direction: Direction
    checkpoint: str


@cache
def open_table(table: Table) -> tuple[MeasuredAutoencoder, np.ndarray]:
    """The space of the rows that measured the column, with the checkpoint, and their values. Once a process."""
    space = get_space(table.space)
    measured = load_measured(table.data, space)
    values = measured.metric(table.column)
    kept = np.flatnonzero(~np.isnan(values))
    card = find_card(table.checkpoint, FOLDER)
    rows = MeasuredSpace(space, tuple(measured.architectures[row] for row in kept))
    return MeasuredAutoencoder(load_autoencoder(card.path, torch.device("cpu")), rows), values[kept]


def run(table: Table, strategy: str, seed: int, evaluations: int, batch: int) -> list[int]:
    """One search from nothing: the rows in the order of evaluation."""
    torch.set_num_threads(1)
    autoencoder, values = open_table(table)
    if strategy in BASELINES:
        return baselines(autoencoder.space)[strategy](values, table.direction, evaluations, batch, seed)
    known = next(name for name in STRATEGIES if name == strategy)
    return search_table(autoencoder, values, table.direction, evaluations, batch, seed, known)


def orders_of(work: Callable[[str, int], list[int]], names: Sequence[str], seeds: int, workers: int) -> dict[str, list[list[int]]]:
    """What `work` gives for every name and seed, so many at the same time, with a progress bar."""
    orders: dict[str, dict[int, list[int]]] = {name: {} for name in names}
    tasks = [(name, seed) for seed in range(seeds) for name in names]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool, Progress() as progress:
        bar = progress.add_task("searches", total=len(tasks))
        futures = {pool.submit(work, *task): task for task in tasks}
        for future in as_completed(futures):
            name, seed = futures[future]
            orders[name][seed] = future.result()
            progress.advance(bar)
    return {name: [found[seed] for seed in sorted(found)] for name, found in orders.items()}


def run_all(
    table: Table, work: Callable[[str, int], list[int]], names: Sequence[str], seeds: int, workers: int
) -> dict[str, Curves]:
    """The curves of what `work` finds for every name and seed."""
    _, values = open_table(table)
    return {name: curves(values, table.direction, orders) for name, orders in orders_of(work, names, seeds, workers).items()}


def report(found: Mapping[str, Curves]) -> dict[str, dict[str, object]]:
    """The figures as JSON: medians by budget, the median evaluations to the table's best, and each seed's curve."""
    return {
        name: {
            "median_best": {str(count): value for count, value in one.median_best().items()},
            "median_evaluations_to_best": one.median_found_after,
            "per_seed": [
                {"best_so_far": row.tolist(), "evaluations_to_best": count}
                for row, count in zip(one.best, one.found_after, strict=True)
            ],
        }
        for name, one in found.items()
    }


def markdown(found: Mapping[str, Curves]) -> str:
    """Medians by budget and quartiles of the evaluations to the table's best, one strategy a row."""
    counts = list(next(iter(found.values())).median_best())
    lines = ["| strategy | " + " | ".join(f"best@{count}" for count in counts) + " | found | evaluations to the best [q25, q75] |"]
    lines.append("| --- |" + " --- |" * (len(counts) + 2))
    for name, one in found.items():
        medians = " | ".join(f"{value:.4g}" if value < 10 else f"{value:.2f}" for value in one.median_best().values())
        reached = [np.inf if count is None else count for count in one.found_after]
        low, high = np.quantile(reached, [0.25, 0.75], method="nearest")
        low, median, high = (f"{q:.0f}" if q and np.isfinite(q) else "-" for q in (low, one.median_found_after, high))
        lines.append(f"| {name} | {medians} | {np.isfinite(reached).mean():.0%} | {median} [{low}, {high}] |")
    return "\n".join(lines)


def difference(values: np.ndarray, others: np.ndarray, digits: int) -> str:
    """The mean of paired differences (`n` each) with its standard error; nothing where all are the same."""
    apart = values - others
    return f"{apart.mean():+.{digits}f} ± {apart.std(ddof=1) / np.sqrt(len(apart)):.{digits}f}" if apart.any() else ""


def read_peers(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By method the evaluations that all of its seeds reached, and the median best value there."""
    points: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            points[row["method"]][int(row["evaluation"])].append(float(row["best_so_far"]))
    peers = {}
    for name, of in points.items():
        seeds = max(len(found) for found in of.values())
        counts = sorted(count for count, found in of.items() if len(found) == seeds)
        peers[name] = np.array(counts), np.array([np.median(of[count]) for count in counts])
    return peers


def draw(
    found: Mapping[str, Curves], peers: Mapping[str, tuple[np.ndarray, np.ndarray]], direction: Direction, title: str, path: Path
) -> None:
    """Medians with quartile bands, other systems' medians thin; the worst tenth of the values is cut off."""
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for (name, one), colour in zip(found.items(), COLOURS * 2, strict=False):
        low, median, high = np.quantile(one.best, [0.25, 0.5, 0.75], axis=0)
        steps = np.arange(1, one.best.shape[1] + 1)
        axes.step(steps, median, where="post", color=colour, label=f"{name} ({len(one.best)} seeds)", linewidth=2)
        axes.fill_between(steps, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    for (name, (counts, medians)), marker in zip(peers.items(), cycle(MARKERS), strict=False):
        axes.plot(counts, medians, color="#808080", marker=marker, markersize=4, linewidth=0.8, label=name)
    best = np.concatenate([one.best.ravel() for one in found.values()])
    axes.set(xlabel="evaluations", ylabel="best value so far", title=title)
    axes.set_xlim(0, max(one.best.shape[1] for one in found.values()))
    axes.set_ylim(*np.quantile(best, [0.1, 1.0] if direction == "maximize" else [0.0, 0.9]))
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize="small", ncols=2)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what is optimised")
    parser.add_argument("--space", default="nasbench201", help="the space of the file (default: %(default)s)")
    parser.add_argument("--minimize", action="store_true", help="small values are good")
    parser.add_argument("--checkpoint", help="name of a checkpoint (default: the space's)")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each strategy (default: %(default)s)")
    parser.add_argument("--evaluations", type=int, default=200, help="evaluations a run (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1, help="architectures proposed at once (default: %(default)s)")
    names = (*STRATEGIES, *BASELINES)
    parser.add_argument("--strategies", default="svge,uniform", help=f"any of {','.join(names)} (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--plot", type=Path, help="where the picture goes, PNG or SVG")
    parser.add_argument("--peers", type=Path, help="CSV of other systems' curves, for the picture")
    options = parser.parse_args(arguments)
    options.strategies = list(dict.fromkeys(options.strategies.split(",")))
    unknown = [name for name in options.strategies if name not in names]
    if unknown:
        parser.error(f"unknown strategy '{unknown[0]}'; choose among {', '.join(names)}")
    for name in ("seeds", "evaluations", "batch", "workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}")
    return options


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    direction: Direction = "minimize" if options.minimize else "maximize"
    try:
        checkpoint = options.checkpoint or default_card(options.space).name
        table = Table(options.data, options.column, options.space, direction, checkpoint)
        open_table(table)
    except (DataFileError, UnknownMetric, UnknownModel, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    work = partial(run, table, evaluations=options.evaluations, batch=options.batch)
    found = run_all(table, work, options.strategies, options.seeds, options.workers)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report(found)) + "\n")
    if options.plot:
        peers = read_peers(options.peers) if options.peers else {}
        title = f"{options.column}: median and quartiles, {options.batch} at a time"
        draw(found, peers, direction, title, options.plot)
    print(markdown(found))


if __name__ == "__main__":
    main()
