"""Seconds of the requests that compute, over HTTP, each beside what the same work costs without the service.

    python -m benchmarks.service_latency --observations 100,1000

A study gets observations of random cells with values made from their graphs. The baseline of a suggest is one by the strategy
`random`, which has all of the service and none of the surrogate; that of encode and decode is the autoencoder called directly.
"""

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import torch

from benchmarks.served import served
from models.architectures.architecture import Architecture
from models.architectures.formats import to_json
from models.autoencoders.checkpoint import load_autoencoder
from models.pretrained.catalogue import default_card
from models.spaces.registry import get_space
from models.svge.datasets import sample_distinct

SPACE = "nasbench101"
BATCH = 1000


class Timing(NamedTuple):
    """Seconds of the first of several calls, which finds caches empty and hyperparameters unfitted, and their median."""

    first: float
    median: float


def timed(call: Callable[[], object], repeats: int = 5) -> Timing:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return Timing(times[0], statistics.median(times))


def value_of(architecture: Architecture) -> float:
    """An objective with structure: convolutions help, depth helps, pooling after pooling hurts."""
    convolutions = sum(label == "conv3x3" for label in architecture.nodes)
    pools = sum(architecture.nodes[u] == architecture.nodes[v] == "maxpool3x3" for u, v in architecture.edges)
    return 0.8 + 0.02 * convolutions + 0.005 * len(architecture.edges) - 0.03 * pools


def post(http: httpx.Client, path: str, body: object) -> dict:
    answer = http.post(path, json=body)
    answer.raise_for_status()
    return answer.json()


def measure_suggest(http: httpx.Client, num_observations: int, architectures: list[Architecture]) -> str:
    """A table row: one trial and fifty, by the search and at random."""
    study = f"study-{num_observations}"
    post(http, "/studies", {"name": study, "space": SPACE})
    known = architectures[:num_observations]
    post(http, "/observe", [{"study": study, "architecture": to_json(cell), "value": value_of(cell)} for cell in known])
    cells = []
    for count in (1, 50):
        search = timed(partial(suggest, http, study, count, "svge", "acquisition"))
        baseline = timed(partial(suggest, http, study, count, "random", "fallback"))
        cells.append(f"{search.median:.2f} s, first {search.first:.2f} s ({search.median / baseline.median:.1f}x random)")
    return f"| {num_observations} | " + " | ".join(cells) + " |"


def suggest(http: httpx.Client, study: str, count: int, strategy: str, expected: str) -> None:
    """New trials for a new worker, all of the expected source."""
    body = {"study": study, "worker": uuid.uuid4().hex, "count": count, "strategy": strategy, "wait": 60}
    sources = [trial["source"] for trial in post(http, "/suggest", body)["trials"]]
    if sources != [expected] * count:
        raise RuntimeError(f"expected {count} trials of source '{expected}', got {sources}")


def measure_coding(http: httpx.Client, architectures: list[Architecture]) -> list[str]:
    """Table rows: 1,000 architectures encoded and 1,000 latents decoded in one request."""
    autoencoder = load_autoencoder(default_card(SPACE).path, torch.device("cpu"))
    batch = architectures[:BATCH]
    latents = autoencoder.encode(batch).mean
    body = {"space": SPACE, "architectures": [to_json(architecture) for architecture in batch]}
    points = {"model": default_card(SPACE).name, "latents": latents.tolist(), "samples": 1, "mode": "greedy"}
    rows = []
    for path, request, alone in (
        ("encode", body, lambda: autoencoder.encode(batch)),
        ("decode", points, lambda: autoencoder.decode(latents)),
    ):
        served_time, baseline = timed(partial(post, http, f"/{path}", request)), timed(alone)
        ratio = served_time.median / baseline.median
        rows.append(f"| {path} {BATCH} | {served_time.median:.2f} s, first {served_time.first:.2f} s | {ratio:.1f}x |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", default="100,1000", help="sizes of the studies, separated by commas")
    sizes = [int(size) for size in parser.parse_args().observations.split(",")]
    architectures = sample_distinct(get_space(SPACE), max(*sizes, BATCH), np.random.default_rng(0))
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as server,
        httpx.Client(base_url=server.url, timeout=120) as http,
    ):
        post(http, "/encode", {"space": SPACE, "architectures": [to_json(architectures[0])]})
        print("| observations | one trial | fifty trials |\n| --- | --- | --- |")
        for size in sizes:
            print(measure_suggest(http, size, architectures), flush=True)
        print("\n| request | time | to the autoencoder alone |\n| --- | --- | --- |")
        print("\n".join(measure_coding(http, architectures)))


if __name__ == "__main__":
    main()
