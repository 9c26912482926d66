"""The search against uniform random sampling of the same space, on real trainings: digits, one architecture at a time.

    python -m benchmarks.digits_search --seeds 5 --evaluations 40 --out benchmarks/results

Every architecture is trained with the same seed, so that a value belongs to an architecture and both strategies see the same one.
Finished runs are kept in the JSON file; `--resume` goes on with the missing ones.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from rich.progress import Progress

from examples.digits import train_and_validate
from models.autoencoders.checkpoint import load_autoencoder
from models.pretrained.catalogue import default_card
from models.search.proposal import Observation, ProposalRequest, Strategy
from models.search.proposer import propose

STRATEGIES: tuple[Strategy, ...] = ("svge", "random")
COLOURS = {"svge": "#0072B2", "random": "#E69F00"}
TRAINING_SEED = 0

Runs = dict[str, dict[str, list[float]]]
"""For each strategy and seed the validation accuracies in the order of the search."""


def search(strategy: Strategy, seed: int, evaluations: int, space: str) -> list[float]:
    """One run from nothing: propose one architecture, train it, observe, again."""
    torch.set_num_threads(1)
    autoencoder = load_autoencoder(default_card(space).path, torch.device("cpu"))
    observations: list[Observation] = []
    hyperparameters = None
    while len(observations) < evaluations:
        request = ProposalRequest(
            direction="maximize",
            count=1,
            seed=seed * 1_000_003 + len(observations),
            observations=tuple(observations),
            strategy=strategy,
            hyperparameters=hyperparameters,
        )
        batch = propose(autoencoder, request)
        hyperparameters = batch.hyperparameters
        architecture = batch.proposals[0].architecture
        observations.append(Observation(architecture, train_and_validate(architecture, TRAINING_SEED)))
    return [observation.value for observation in observations]


def run_all(results: Path, num_seeds: int, evaluations: int, space: str, workers: int, resume: bool) -> Runs:
    """Run every strategy from every seed, to `resume` only those that the file does not hold yet, and write each into it."""
    setting = {"space": space, "model_hash": default_card(space).hash, "evaluations": evaluations}
    kept = json.loads(results.read_text()) if resume and results.exists() else {**setting, "runs": {}}
    if {name: kept[name] for name in setting} != setting:
        raise SystemExit(f"{results} holds runs of another setting; give another --out, or leave out --resume")
    runs: Runs = {strategy: kept["runs"].get(strategy, {}) for strategy in STRATEGIES}
    missing = [(strategy, seed) for seed in range(num_seeds) for strategy in STRATEGIES if str(seed) not in runs[strategy]]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool, Progress() as progress:
        bar = progress.add_task("searches", total=len(missing))
        futures = {pool.submit(search, strategy, seed, evaluations, space): (strategy, seed) for strategy, seed in missing}
        for future in as_completed(futures):
            strategy, seed = futures[future]
            runs[strategy][str(seed)] = future.result()
            results.write_text(json.dumps({**setting, "runs": runs}, indent=1) + "\n")
            progress.advance(bar)
    return {strategy: {str(seed): found[str(seed)] for seed in range(num_seeds)} for strategy, found in runs.items()}


def best_so_far(runs: Mapping[str, Sequence[float]]) -> np.ndarray:
    """`seeds x evaluations`, the best accuracy found up to each evaluation."""
    curves: np.ndarray = np.maximum.accumulate(np.array([runs[seed] for seed in sorted(runs)]), axis=1)
    return curves


def table(runs: Runs, evaluations: int) -> str:
    """Median best validation accuracy in percent, with quartiles, as Markdown."""
    marks = [count for count in (10, 20, 30, 40, 60, 80, 100) if count <= evaluations]
    lines = ["| strategy | " + " | ".join(f"best@{count} [q25, q75]" for count in marks) + " |", "| --- |" + " --- |" * len(marks)]
    for strategy in STRATEGIES:
        quartiles = 100.0 * np.quantile(best_so_far(runs[strategy]), [0.25, 0.5, 0.75], axis=0)
        cells = [f"{quartiles[1, count - 1]:.2f} [{quartiles[0, count - 1]:.2f}, {quartiles[2, count - 1]:.2f}]" for count in marks]
        lines.append(f"| {strategy} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(runs: Runs, path: Path) -> None:
    """Median curves with quartile bands."""
    mpl.use("agg")
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for strategy in STRATEGIES:
        curves = 100.0 * best_so_far(runs[strategy])
        low, median, high = np.quantile(curves, [0.25, 0.5, 0.75], axis=0)
        steps = np.arange(1, curves.shape[1] + 1)
        axes.step(steps, median, where="post", color=COLOURS[strategy], label=f"{strategy} ({len(curves)} seeds)", linewidth=2)
        axes.fill_between(steps, low, high, step="post", color=COLOURS[strategy], alpha=0.2, linewidth=0)
    axes.set(xlabel="architectures trained", ylabel="best validation accuracy, %", title="Digits: median and quartiles")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--space", default="nasbench101")
    parser.add_argument("--workers", type=int, default=2, help="searches that run at the same time, one core each")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--resume", action="store_true", help="go on from the runs that an earlier call left in --out")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / "digits_search.json"
    runs = run_all(results, options.seeds, options.evaluations, options.space, options.workers, options.resume)
    draw(runs, results.with_suffix(".png"))
    print(table(runs, options.evaluations))


if __name__ == "__main__":
    main()
