"""What a proposal costs: seconds and memory for one architecture and for fifty, by the number of observations.

    python -m benchmarks.search_speed --observations 100,1000,5000,20000 --json benchmarks/results/search_speed.json

The space is ENAS macro with its shipped checkpoint, the objective a made-up one: its values cost nothing and its surface does not
matter here. Every row is a fresh process on `--threads` threads. The first proposal of a study encodes its observations and fits
the surrogate from its defaults, the next ones go on from it; both are given, and as the baseline the strategy `random`, which has
all of a proposal but the surrogate and its candidates.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from benchmarks.interleaved import machine
from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.autoencoders.checkpoint import load_autoencoder
from models.pretrained.catalogue import default_card
from models.search.pool import pool_of
from models.search.proposal import Observation, ProposalBatch, ProposalRequest
from models.search.proposer import propose

SPACE = "enas_macro"
REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """Seconds of the first proposal, the median of the next ones, that of the baseline, and the process's peak of memory in MiB."""

    observations: int
    count: int
    first: float
    next: float
    random: float
    peak_memory: float


def objective(architecture: Architecture) -> float:
    """Wider kernels and more skips are better, with a wave over the places."""
    gains = (float("5x5" in label) + 0.3 * np.sin(place) for place, label in enumerate(architecture.nodes))
    return sum(gains) + 0.1 * len(architecture.edges)


def measure(observations: int, count: int, threads: int, device: str = "cpu") -> Cost:
    """One row, in this process, with the autoencoder on the device."""
    torch.set_num_threads(threads)
    autoencoder = load_autoencoder(default_card(SPACE).path, torch.device(device))
    pool_of(autoencoder)
    rng = np.random.default_rng(0)
    seen = tuple(Observation(one, objective(one)) for one in (autoencoder.space.sample(rng) for _ in range(observations)))
    request = ProposalRequest("maximize", count, 0, seen)
    first, batch = _timed(autoencoder, request)
    random_seconds = statistics.median(_timed(autoencoder, replace(request, strategy="random", seed=seed))[0] for seed in range(3))
    later = []
    for seed in range(1, REPEATS + 1):
        # As in a study, what was proposed has been trained in the meantime.
        seen += tuple(Observation(one.architecture, objective(one.architecture)) for one in batch.proposals)
        request = replace(request, observations=seen, seed=seed, hyperparameters=batch.hyperparameters)
        seconds, batch = _timed(autoencoder, request)
        later.append(seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(observations, count, first, statistics.median(later), random_seconds, peak)


def memory_over(proposals: int, threads: int) -> list[tuple[int, float]]:
    """The memory in use, MiB, after every tenth of so many proposals of one study, of which the last hundred observations count."""
    torch.set_num_threads(threads)
    autoencoder = load_autoencoder(default_card(SPACE).path, torch.device("cpu"))
    rng = np.random.default_rng(0)
    seen = tuple(Observation(one, objective(one)) for one in (autoencoder.space.sample(rng) for _ in range(100)))
    hyperparameters, used = None, []
    for step in range(1, proposals + 1):
        batch = propose(autoencoder, ProposalRequest("maximize", 1, step, seen[-100:], hyperparameters=hyperparameters))
        hyperparameters = batch.hyperparameters
        seen += tuple(Observation(one.architecture, objective(one.architecture)) for one in batch.proposals)
        if step % max(proposals // 10, 1) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            used.append((step, pages * resource.getpagesize() / 2**20))
    return used


def _timed(autoencoder: GraphAutoencoder, request: ProposalRequest) -> tuple[float, ProposalBatch]:
    start = time.perf_counter()
    batch = propose(autoencoder, request)
    return time.perf_counter() - start, batch


def table(costs: Sequence[Cost]) -> str:
    """Markdown, one row for each number of observations and of proposals."""
    lines = ["| observations | proposed | first, s | next, s | random, s | to random | peak memory, MiB |", "|" + " --- |" * 7]
    for one in costs:
        seconds = " | ".join(f"{value:.2f}" for value in (one.first, one.next, one.random))
        ratio = one.next / one.random
        lines.append(f"| {one.observations:,} | {one.count} | {seconds} | {ratio:.1f}x | {one.peak_memory:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", default="100,1000,5000,20000", help="numbers of observations (default: %(default)s)")
    parser.add_argument("--counts", default="1,50", help="numbers of proposals (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="where the autoencoder is, cpu or cuda (default: %(default)s)")
    parser.add_argument("--consecutive", type=int, default=0, help="also the memory over so many proposals of one study")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    rows = [(int(n), int(count)) for n in options.observations.split(",") for count in options.counts.split(",")]
    context = get_context("spawn")
    costs = []
    for n, count in track(rows, "proposals"):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            costs.append(pool.submit(measure, n, count, options.threads, options.device).result())
    print(table(costs))
    used: list[tuple[int, float]] = []
    if options.consecutive:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            used = pool.submit(memory_over, options.consecutive, options.threads).result()
        print("memory by proposals, MiB:", ", ".join(f"{step}: {size:.0f}" for step, size in used))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"machine": machine(), "costs": [asdict(one) for one in costs], "memory_over_proposals": used}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
