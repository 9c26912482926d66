"""The paper's protocol: ten rounds of fifty from a thousand labels, on a pool of measured architectures.

    python -m benchmarks.search_rounds --data enas_macro_6layers.csv --column weight_sharing_accuracy --json rounds.json

In every round the surrogate predicts architectures of the pool that it has not seen, a fixed thousand of them, and then chooses a
batch. Given are the best value found so far, the Pearson correlation of the predictions, and their root mean squared error in
standard deviations of the pool's values; mean and standard deviation over the seeds. Table 3 of the paper is about such rounds.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from benchmarks.search_curves import Table, open_table
from models.evaluation.measured_space import MeasuredAutoencoder
from models.pretrained.catalogue import default_card
from models.search.proposal import STRATEGIES, Observation, ProposalRequest, Strategy
from models.search.proposer import predict, propose

HELD_OUT = 1000


@dataclass(frozen=True)
class Round:
    """What is known before a batch is chosen, and how the predictions of the unseen were."""

    observations: int
    best: float
    pearson_r: float
    rmse: float


def run(table: Table, strategy: Strategy, seed: int, start: int, rounds: int, batch: int) -> list[Round]:
    """One search. The last entry is after the last batch."""
    torch.set_num_threads(1)
    autoencoder, values = open_table(table)
    order = np.random.default_rng(seed).permutation(len(values))
    test, seen = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + start].tolist()
    found, hyperparameters = [], None
    for number in range(rounds + 1):
        request = ProposalRequest(
            direction=table.direction,
            count=batch,
            seed=seed * 1_000_003 + number,
            observations=tuple(Observation(autoencoder.space.architectures[row], float(values[row])) for row in seen),
            strategy=strategy,
            hyperparameters=hyperparameters,
        )
        found.append(_round(autoencoder, request, values, seen, test))
        if number < rounds:
            proposed = propose(autoencoder, request)
            hyperparameters = proposed.hyperparameters
            seen += [autoencoder.space.places[proposal.architecture] for proposal in proposed.proposals]
    return found


def _round(
    autoencoder: MeasuredAutoencoder, request: ProposalRequest, values: np.ndarray, seen: list[int], test: np.ndarray
) -> Round:
    # What the search has evaluated in the meantime is no longer unseen.
    unseen = np.setdiff1d(test, seen)
    predicted = predict(autoencoder, request, [autoencoder.space.architectures[row] for row in unseen])
    means = np.array([one.mean for one in predicted])
    best = values[seen].max() if request.direction == "maximize" else values[seen].min()
    rmse = np.sqrt(np.mean((means - values[unseen]) ** 2)) / values.std()
    return Round(len(seen), float(best), float(np.corrcoef(means, values[unseen])[0, 1]), float(rmse))


def markdown(runs: dict[int, list[Round]]) -> str:
    """One row a round."""
    lines = ["| observations | best found | Pearson r | RMSE |", "| --- | --- | --- | --- |"]
    for rounds in zip(*(runs[seed] for seed in sorted(runs)), strict=True):
        columns = np.array([[one.best, one.pearson_r, one.rmse] for one in rounds])
        cells = (f"{mean:.4f} ± {std:.4f}" for mean, std in zip(columns.mean(0), columns.std(0), strict=True))
        lines.append(f"| {rounds[0].observations:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what is optimised")
    parser.add_argument("--space", default="enas_macro", help="the space of the file (default: %(default)s)")
    parser.add_argument("--strategy", default="svge", choices=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=10, help="runs (default: %(default)s)")
    parser.add_argument("--start", type=int, default=1000, help="random labels to begin with (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="batches (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=50, help="architectures in each (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    table = Table(options.data, options.column, options.space, "maximize", default_card(options.space).name)
    runs: dict[int, list[Round]] = {}
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool, Progress() as progress:
        bar = progress.add_task("searches", total=options.seeds)
        sizes = options.start, options.rounds, options.batch
        futures = {pool.submit(run, table, options.strategy, seed, *sizes): seed for seed in range(options.seeds)}
        for future in as_completed(futures):
            runs[futures[future]] = future.result()
            progress.advance(bar)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps({str(seed): [asdict(one) for one in runs[seed]] for seed in sorted(runs)}, indent=1) + "\n"
        )
    print(markdown(runs))


if __name__ == "__main__":
    main()
