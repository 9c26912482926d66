"""What each source of candidates is worth in a space that is too large to encode.

    python -m benchmarks.search_sources --data enas_macro_6layers.csv --column weight_sharing_accuracy --seeds 10 --evaluations 200

The whole space of the checkpoint is searched. What is maximised there is a neural network of labels and edges, fitted to the rows
of the table before anything is searched, so that every architecture has a value; its correlation with rows held out is printed.
"""

import argparse
import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from sklearn.neural_network import MLPRegressor

from benchmarks.search_ablation import WithoutLatents, nothing, nowhere, only_blocks
from benchmarks.search_curves import difference, orders_of
from models.architectures.architecture import Architecture
from models.autoencoders.autoencoder import GraphAutoencoder
from models.autoencoders.checkpoint import load_autoencoder
from models.datasets.loading import load_measured
from models.pretrained.catalogue import FOLDER, default_card, find_card
from models.search import candidates
from models.search.features import StructuralFeatures
from models.search.proposal import STRATEGIES, Observation, ProposalRequest
from models.search.proposer import propose
from models.spaces.registry import get_space

HELD_OUT = 0.1

VARIANTS: dict[str, Callable[..., AbstractContextManager[object]]] = {
    "all of it": nothing,
    "the pool alone": lambda: patch.object(candidates, "edited", nowhere),
    "with ascents": lambda: patch.object(candidates, "ASCENDING", STRATEGIES),
    "with ascents instead of edits": lambda: patch.multiple(candidates, edited=nowhere, ASCENDING=STRATEGIES),
    "structure without latents": nothing,
    "latents without structure": only_blocks(),
}


class Objective:
    """A network of an architecture's labels and edges by place, fitted to measured values in units of their standard deviation."""

    def __init__(self, data: Path, column: str, space: str) -> None:
        known = get_space(space)
        measured = load_measured(data, known)
        values = measured.metric(column)
        rows = np.random.default_rng(0).permutation(np.flatnonzero(~np.isnan(values)))
        self._features = StructuralFeatures(known)
        features = self._features([measured.architectures[row] for row in rows])
        self._mean, self._std = float(values[rows].mean()), float(values[rows].std())
        targets = (values[rows] - self._mean) / self._std
        held = int(HELD_OUT * len(rows))
        self._network = MLPRegressor(hidden_layer_sizes=(128, 128), early_stopping=True, random_state=0)
        self._network.fit(features[held:], targets[held:])
        self.correlation = float(np.corrcoef(self._network.predict(features[:held]), targets[:held])[0, 1])

    def __call__(self, architectures: list[Architecture]) -> np.ndarray:
        return self._mean + self._std * self._network.predict(self._features(architectures))


@cache
def prepare(data: Path, column: str, space: str) -> tuple[Objective, GraphAutoencoder]:
    """The objective and the shipped autoencoder. Once a process."""
    torch.set_num_threads(1)
    card = find_card(default_card(space).name, FOLDER)
    return Objective(data, column, space), load_autoencoder(card.path, torch.device("cpu"))


def run(variant: str, seed: int, data: Path, column: str, space: str, evaluations: int, batch: int) -> list[float]:
    """One search from nothing: the values in the order of evaluation."""
    objective, autoencoder = prepare(data, column, space)
    # A pool lives as long as its autoencoder: every run has its own.
    searched = WithoutLatents(autoencoder) if variant == "structure without latents" else copy.copy(autoencoder)
    observed: list[Observation] = []
    hyperparameters = None
    with VARIANTS[variant]():
        while len(observed) < evaluations:
            request = ProposalRequest(
                direction="maximize",
                count=min(batch, evaluations - len(observed)),
                seed=seed * 1_000_003 + len(observed),
                observations=tuple(observed),
                hyperparameters=hyperparameters,
            )
            proposed = propose(searched, request)
            hyperparameters = proposed.hyperparameters
            architectures = [proposal.architecture for proposal in proposed.proposals]
            values = objective(architectures).tolist()
            observed += [Observation(one, value) for one, value in zip(architectures, values, strict=True)]
    return [observation.value for observation in observed]


def markdown(best: dict[str, np.ndarray]) -> str:
    """Median and quartiles of the best after some evaluations, and how far its mean over all evaluations is from that of the first
    variant with the same seeds, with the standard error.
    """
    whole = next(iter(best.values())).mean(axis=1)
    budgets = [count for count in (25, 50, 100, 200) if count <= next(iter(best.values())).shape[1]]
    lines = ["| | " + " | ".join(f"best@{count} [q25, q75]" for count in budgets) + " | mean, to the first |"]
    lines.append("| --- |" + " --- |" * (len(budgets) + 1))
    for name, rows in best.items():
        quartiles = (np.quantile(rows[:, count - 1], [0.25, 0.5, 0.75]) for count in budgets)
        cells = [f"{median:.4f} [{low:.4f}, {high:.4f}]" for low, median, high in quartiles]
        lines.append(f"| {name} | {' | '.join(cells)} | {difference(rows.mean(axis=1), whole, 5)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what the objective is fitted to, and maximised")
    parser.add_argument("--space", default="enas_macro", help="the space of the file (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each variant (default: %(default)s)")
    parser.add_argument("--evaluations", type=int, default=200, help="evaluations a run (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="architectures proposed at once (default: %(default)s)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="any of %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the best value so far goes, for each variant and seed")
    options = parser.parse_args(arguments)
    variants = options.variants.split(",")
    if options.seeds < 2:
        parser.error(f"--seeds must be at least 2, got {options.seeds}")
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        parser.error(f"unknown variant '{unknown[0]}'; choose among {', '.join(VARIANTS)}")
    objective, _ = prepare(options.data, options.column, options.space)
    print(f"the objective's correlation with the rows held out: {objective.correlation:.3f}")
    table = {"data": options.data, "column": options.column, "space": options.space}
    work = partial(run, **table, evaluations=options.evaluations, batch=options.batch)
    values = orders_of(work, variants, options.seeds, options.workers)
    best = {name: np.maximum.accumulate(np.array(rows), axis=1) for name, rows in values.items()}
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({name: rows.tolist() for name, rows in best.items()}) + "\n")
    print(markdown(best))


if __name__ == "__main__":
    main()
