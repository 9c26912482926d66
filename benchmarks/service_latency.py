"""Seconds of the requests that compute, over HTTP, each beside what the same work costs without the service.

    python -m benchmarks.service_latency --observations 100,1000

A study gets observations of random cells with values made from their graphs. The baseline of a suggest is one by the strategy
`random`, which has all of the service and none of the surrogate; that of encode and decode is the autoencoder called directly.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import torch

from benchmarks.served import served
from models.architectures.architecture import Architecture
from models.architectures.formats import to_json
from models.pretrained.catalogue import default_card
from models.spaces.registry import get_space
from models.svge.checkpoint import load_autoencoder
from models.svge.datasets import sample_distinct

SPACE = "nasbench101"
BATCH = 1000


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The median of `repeats` calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


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
    post(
        http,
        "/observe",
        [{"study": study, "architecture": to_json(a), "value": value_of(a)} for a in architectures[:num_observations]],
    )
    cells = []
    for count in (1, 50):
        times = {}
        for strategy in ("svge", "random"):
            workers = iter(range(100))

            def ask(strategy: str = strategy, count: int = count, workers: object = workers) -> None:
                body = {
                    "study": study,
                    "worker": f"{strategy}-{count}-{next(workers)}",
                    "count": count,
                    "strategy": strategy,
                    "wait": 60,
                }
                trials = post(http, "/suggest", body)["trials"]
                expected = {"svge": "acquisition", "random": "fallback"}[strategy]
                assert [trial["source"] for trial in trials] == [expected] * count, [trial["source"] for trial in trials]

            times[strategy] = seconds(ask)
        cells.append(f"{times['svge']:.2f} s ({times['svge'] / times['random']:.1f}x random)")
    return f"| {num_observations} | " + " | ".join(cells) + " |"


def measure_coding(http: httpx.Client, architectures: list[Architecture]) -> list[str]:
    """Table rows: 1,000 architectures encoded and 1,000 latents decoded in one request."""
    autoencoder = load_autoencoder(default_card(SPACE).path, torch.device("cpu"))
    batch = architectures[:BATCH]
    body = {"space": SPACE, "architectures": [to_json(architecture) for architecture in batch]}
    encode = seconds(lambda: post(http, "/encode", body))
    encode_alone = seconds(lambda: autoencoder.encode(batch))
    latents = autoencoder.encode(batch).mean
    points = {"model": default_card(SPACE).name, "latents": latents.tolist(), "samples": 1, "mode": "greedy"}
    decode = seconds(lambda: post(http, "/decode", points))
    decode_alone = seconds(lambda: autoencoder.decode(latents))
    return [
        f"| encode {BATCH} | {encode:.2f} s | {encode / encode_alone:.1f}x the autoencoder alone |",
        f"| decode {BATCH} | {decode:.2f} s | {decode / decode_alone:.1f}x the autoencoder alone |",
    ]


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
        print("\n| request | time | beside |\n| --- | --- | --- |")
        print("\n".join(measure_coding(http, architectures)))


if __name__ == "__main__":
    main()
