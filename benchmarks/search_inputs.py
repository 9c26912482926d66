"""What latents and structure each tell the surrogate about architectures that were not trained yet, from few labels.

    python -m benchmarks.search_inputs --data nasbench201.csv --column cifar10_val --labels 20,50,100 --splits 40

The surrogate of the strategy `svge` is fitted to random rows of a table and asked about others. Reported are Spearman's rank
correlation of its means with their values, and the negative logarithm of the density that it gave to their outcomes, in nats an
architecture: large where it was wrong and sure. An outcome is the normal score of a value's rank among the labels.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.search_ablation import WithoutLatents, nothing, only_blocks
from benchmarks.search_curves import Table, difference, open_table, orders_of
from models.evaluation.measured_space import MeasuredAutoencoder
from models.pretrained.catalogue import default_card
from models.search.beliefs import fit_first
from models.search.pool import pool_of
from models.search.proposal import Observation, ProposalRequest
from models.search.state import build_state

ASKED = 2000
"""At most so many rows are asked about."""

INPUTS: dict[str, Callable[..., AbstractContextManager[object]]] = {
    "latents and structure": nothing,
    "structure alone": nothing,
    "latents alone": only_blocks(),
}


@cache
def prepare(table: Table, inputs: str) -> tuple[MeasuredAutoencoder, np.ndarray]:
    """The rows of the table and their values, encoded with these inputs alone. Once a process."""
    torch.set_num_threads(1)
    whole, values = open_table(table)
    encoder = WithoutLatents(whole) if inputs == "structure alone" else whole.autoencoder
    autoencoder = replace(whole, autoencoder=encoder)
    with INPUTS[inputs]():
        pool_of(autoencoder)
    return autoencoder, values


def run(inputs: str, split: int, table: Table, labels: Sequence[int]) -> list[tuple[float, float]]:
    """For each number of labels the rank correlation and the nats an architecture, of rows that none of them is of."""
    autoencoder, values = prepare(table, inputs)
    architectures = autoencoder.space.architectures
    order = np.random.default_rng(split).permutation(len(values))
    asked = order[max(labels) :][:ASKED]
    found = []
    for count in labels:
        observations = tuple(Observation(architectures[row], float(values[row])) for row in order[:count])
        state = build_state(autoencoder, ProposalRequest(table.direction, 1, split, observations))
        belief = fit_first(state)
        with torch.no_grad():
            means, variances = belief.surrogate.moments(state.encode([architectures[row] for row in asked]))
            variances = variances + belief.surrogate.process.likelihood.noise
        outcomes = torch.from_numpy(belief.scale.forward(values[asked]))
        nats = 0.5 * ((2.0 * math.pi * variances).log() + (outcomes - means).square() / variances)
        found.append((float(spearmanr(means, outcomes).statistic), float(nats.mean())))
    return found


def markdown(found: Mapping[str, Sequence[Sequence[tuple[float, float]]]], labels: Sequence[int]) -> str:
    """Means over the splits, and how far those of the other inputs are from the first's, with the standard error."""
    lines = ["| labels | inputs | rank correlation | to the first | nats | to the first |", "|" + " --- |" * 6]
    whole = np.array(next(iter(found.values())))  # splits x labels x 2
    for place, count in enumerate(labels):
        for inputs, rows in found.items():
            columns = zip(np.array(rows)[:, place].T, whole[:, place].T, strict=True)
            cells = [f"{values.mean():.4f} | {difference(values, others, 4)}" for values, others in columns]
            lines.append(f"| {count:,} | {inputs} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what is predicted")
    parser.add_argument("--space", default="nasbench201", help="the space of the file (default: %(default)s)")
    parser.add_argument("--labels", default="20,50,100", help="numbers of rows to learn from (default: %(default)s)")
    parser.add_argument("--splits", type=int, default=40, help="random choices of these rows (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go, for each of the inputs, split and number of labels")
    options = parser.parse_args(arguments)
    table = Table(options.data, options.column, options.space, "maximize", default_card(options.space).name)
    labels = [int(count) for count in options.labels.split(",")]
    size = len(open_table(table)[1])
    if options.splits < 2:
        parser.error(f"--splits must be at least 2, got {options.splits}")
    if not 2 <= min(labels) <= max(labels) < size:
        parser.error(f"--labels must be between 2 and {size - 1}, one less than the rows, got {options.labels}")
    found = orders_of(partial(run, table=table, labels=labels), list(INPUTS), options.splits, options.workers)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found) + "\n")
    print(markdown(found, labels))


if __name__ == "__main__":
    main()
