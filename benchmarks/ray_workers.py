"""The model worker on a Ray cluster against the local one: graphs encoded and decoded a second, and what a small proposal takes.

    python -m benchmarks.ray_workers --rounds 3 --seconds 10

Everything is on this machine: the local model process, the replicas, a head and a worker node, and the callers. Each asks for 64
architectures at a time, so that batches have to be joined. The ways take turns, so that what disturbs one disturbs all.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.ray_cluster import cluster
from benchmarks.ray_storm import CPUS, deploy, only_checkpoint
from models.pretrained.catalogue import FOLDER, read_cards
from models.search.proposal import Observation, ProposalRequest
from models.spaces.registry import get_space
from service.workers.local import local_worker
from service.workers.ray import RayWorker
from service.workers.worker import ModelWorker

SPACE = "nasbench101"
MODEL = next(card.hash for card in read_cards(FOLDER) if card.name == SPACE)
GRAPHS = 64
"""Architectures of one request, others for each caller: a batch computes each once."""


@dataclass
class Way:
    """One way to compute; `rates` are graphs a second by task, one a round, `seconds` those of single proposals."""

    name: str
    rates: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


async def rate(worker: ModelWorker, task: str, callers: int, seconds: float) -> float:
    """Graphs a second, of callers who each wait for an answer before the next request."""
    space = get_space(SPACE)
    done = 0

    async def call(number: int, deadline: float) -> None:
        nonlocal done
        cells = [space.sample(np.random.default_rng([number, place])) for place in range(GRAPHS)]
        points = [encoding.mean for encoding in await worker.encode(MODEL, cells)]
        while time.perf_counter() < deadline:
            if task == "encode":
                await worker.encode(MODEL, cells)
            else:
                await worker.decode(MODEL, points, 1, "sampled", number)
            done += GRAPHS

    started = time.perf_counter()
    await asyncio.gather(*(call(number, started + seconds) for number in range(callers)))
    return done / (time.perf_counter() - started)


async def proposals(worker: ModelWorker, count: int) -> list[float]:
    """Seconds of proposals of one architecture at the start of a study, where next to nothing is computed."""
    cells = [get_space(SPACE).sample(np.random.default_rng(seed)) for seed in range(3)]
    observations = tuple(Observation(cell, float(len(cell.edges))) for cell in cells)
    taken = []
    for seed in range(count + 1):
        request = ProposalRequest("maximize", 1, seed, observations, strategy="random")
        started = time.perf_counter()
        await worker.propose(MODEL, request, 1)
        taken.append(time.perf_counter() - started)
    return taken[1:]


async def measure(way: Way, open_worker: Callable[[], ModelWorker], options: argparse.Namespace) -> None:
    """One round of one way, warmed up."""
    worker = open_worker()
    try:
        while not await worker.ready():
            await asyncio.sleep(0.2)
        for task in ("encode", "decode"):
            await rate(worker, task, options.callers, 2.0)
            way.rates.setdefault(task, []).append(await rate(worker, task, options.callers, options.seconds))
        way.seconds += await proposals(worker, options.proposals)
    finally:
        await worker.close()


def table(ways: Sequence[Way]) -> str:
    """Markdown, one row a way."""
    lines = [
        "| worker | encoded a second, median (lowest to highest) | decoded a second | small proposal, median [q25, q75] |",
        "| --- | --- | --- | --- |",
    ]
    for way in ways:
        cells = [f"{statistics.median(found):,.0f} ({min(found):,.0f} to {max(found):,.0f})" for found in way.rates.values()]
        low, middle, high = (1000 * float(value) for value in np.quantile(way.seconds, (0.25, 0.5, 0.75)))
        lines.append(f"| {way.name} | {' | '.join(cells)} | {middle:.1f} ms [{low:.1f}, {high:.1f}] |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each way (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a task in a round (default: %(default)s)")
    parser.add_argument("--callers", type=int, default=8, help="requests at the same time (default: %(default)s)")
    parser.add_argument("--proposals", type=int, default=50, help="proposals of a round (default: %(default)s)")
    options = parser.parse_args()
    local, one, two = Way("local"), Way("Ray, 1 replica"), Way("Ray, 2 replicas")
    with cluster(CPUS) as ray, tempfile.TemporaryDirectory() as name:
        folder = only_checkpoint(Path(name) / "models", SPACE)
        for _ in range(options.rounds):
            asyncio.run(measure(local, lambda: local_worker("cpu", folder), options))
            for way, coders in ((one, "1"), (two, "2")):
                deploy(ray, ray_coders=coders, models_folder=str(folder))
                asyncio.run(measure(way, lambda: RayWorker(ray.address), options))
    print(table([local, one, two]))


if __name__ == "__main__":
    main()
