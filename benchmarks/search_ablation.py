"""What each part of the search is worth: the same searches of a table with one part left out.

    python -m benchmarks.search_ablation --data nasbench201.csv --column cifar10_val --seeds 20 --evaluations 100

The parts are swapped where the search calls them, in the processes of this script alone.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import torch
from botorch.utils.constraints import NonTransformedInterval
from gpytorch.distributions import MultivariateNormal
from gpytorch.means import ConstantMean
from torch import Tensor

from benchmarks.search_curves import Table, markdown, open_table, report, run_all
from models.architectures.architecture import Architecture
from models.evaluation.measured_space import MeasuredAutoencoder
from models.evaluation.table_search import search_table
from models.pretrained.catalogue import default_card
from models.search import beliefs, candidates, fitting, pool, proposer
from models.search.autoencoder import Posterior
from models.search.features import StructuralFeatures
from models.search.process import Process, from_mapping
from models.search.proposal import STRATEGIES, Hyperparameters
from models.search.ranking import train_predictor
from models.search.scales import linear_scale, power_scale
from models.search.state import SearchState
from models.search.surrogate import Surrogate, TrainingData

SAMPLED = 512
"""Architectures encoded of a table that is treated as if it were too large to encode."""

FOLDS = 5
FEW = 15
"""Observations below which no predictor is trained."""


class WithoutLatents:
    """An autoencoder that maps every architecture to the same point."""

    def __init__(self, autoencoder: MeasuredAutoencoder) -> None:
        self.space, self.latent_size, self.decode = autoencoder.space, autoencoder.latent_size, autoencoder.decode

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        zeros = torch.zeros(len(architectures), self.latent_size)
        return Posterior(zeros, zeros)


class Whitened:
    """An autoencoder whose latent means are uncorrelated over the table, each with a variance of one."""

    def __init__(self, autoencoder: MeasuredAutoencoder) -> None:
        self.space, self.latent_size, self.decode = autoencoder.space, autoencoder.latent_size, autoencoder.decode
        self._encode = autoencoder.encode
        latents = autoencoder.encode(autoencoder.space.architectures).mean.double()
        self._center = latents.mean(0)
        variances, axes = torch.linalg.eigh(torch.cov((latents - self._center).T))
        kept = variances > 1e-6 * variances.max()
        self._axes = torch.where(kept, variances.clamp_min(1e-300).rsqrt(), 0.0) * axes

    def encode(self, architectures: Sequence[Architecture]) -> Posterior:
        posterior = self._encode(architectures)
        return Posterior(((posterior.mean.double() - self._center) @ self._axes).float(), posterior.log_var)


class Ensemble:
    """Several fits of one process with equal weights, by the moments of their mixture."""

    def __init__(self, members: Sequence[Surrogate]) -> None:
        self.members, self.process = members, members[0].process

    def means(self, points: Tensor) -> Tensor:
        return torch.stack([member.means(points) for member in self.members]).mean(0)

    def moments(self, points: Tensor) -> tuple[Tensor, Tensor]:
        means, variances = (torch.stack(columns) for columns in zip(*(one.moments(points) for one in self.members), strict=True))
        return means.mean(0), variances.mean(0) + means.var(0, correction=0)

    def posterior(self, points: Tensor) -> SimpleNamespace:
        joint = [member.posterior(points).distribution for member in self.members]
        means = torch.stack([one.mean for one in joint])
        apart = means - means.mean(0)
        covariance = torch.stack([one.covariance_matrix for one in joint]).mean(0) + apart.T @ apart / len(joint)
        return SimpleNamespace(distribution=MultivariateNormal(means.mean(0), covariance))


def fit_several(data: TrainingData, start: Hyperparameters | None, groups: Tensor) -> Ensemble:
    """A fit from each of the starts, where `fitting.fit` keeps the best of them."""
    with torch.enable_grad():
        processes = [Process(groups, *cold) for cold in fitting._COLD_STARTS]
        processes += [] if (warm := from_mapping(start, groups)) is None else [warm]
        for process in processes:
            fitting.maximise_density(process, data, fitting._COLD_EVALUATIONS)
    return Ensemble([fitting._condition(data, process) for process in processes])


class PredictedMean(ConstantMean):
    """A constant plus what a performance predictor says of the latent columns."""

    def __init__(self, constant: Tensor, predictor: Callable[[Tensor], Tensor], latent_size: int) -> None:
        super().__init__(constant_constraint=NonTransformedInterval(-5.0, 5.0, initial_value=float(constant)))
        self._predictor, self._latent_size = predictor, latent_size

    def forward(self, points: Tensor) -> Tensor:
        flat = points.flatten(0, -2)[:, : self._latent_size]
        return super().forward(points) + self._predictor(flat).reshape(points.shape[:-1])


def fit_beside_predictor(data: TrainingData, start: Hyperparameters | None, groups: Tensor) -> Surrogate:
    """The process whose mean function is the performance predictor of the latents, trained on all outcomes.

    Its hyperparameters are fitted to what predictors trained on four fifths of the outcomes leave of the last fifth: what is left
    of those that a predictor has seen says nothing of its errors elsewhere.
    """
    size = int((groups == groups[0]).sum())
    latents, parts = data.points[:, :size], torch.arange(len(data.points)) % FOLDS
    if len(latents) < FEW:
        return fitting.fit(data, start, groups)
    residuals = data.outcomes.clone()
    for part in range(FOLDS):
        seen = parts != part
        residuals[~seen] -= train_predictor(latents[seen], data.outcomes[seen], torch.Generator().manual_seed(part))(latents[~seen])
    process = fitting.fit(data._replace(outcomes=residuals), start, groups).process
    predictor = train_predictor(latents, data.outcomes, torch.Generator().manual_seed(FOLDS))
    process.mean_module = PredictedMean(process.mean_module.constant, predictor, size)
    return fitting._condition(data, process)


def only_blocks(*names: str) -> Callable[..., AbstractContextManager[object]]:
    """Structural features of these names alone."""

    class Fewer(StructuralFeatures):
        def __init__(self, space: object) -> None:
            super().__init__(space)  # type: ignore[arg-type]
            self.blocks = tuple(block for block in self.blocks if block.name in names)

    return lambda: patch.object(pool, "StructuralFeatures", Fewer)


def random_start(state: SearchState, count: int) -> list[Architecture]:
    unseen = state.unseen_pool()
    return [state.pool.architectures[unseen[place]] for place in state.rng(1).permutation(len(unseen))[:count]]


@contextmanager
def nothing() -> Iterator[None]:
    yield


def sampled(**changes: object) -> Callable[..., AbstractContextManager[None]]:
    """The table as if it were too large to encode: a sampled pool, and candidates of all sources, with these parts of
    `models/search/candidates.py` changed.
    """

    @contextmanager
    def changed() -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(patch.multiple(pool, COMPLETE_LIMIT=0, SAMPLE_SIZE=SAMPLED))
            if changes:
                stack.enter_context(patch.multiple(candidates, **changes))
            yield

    return changed


def nowhere(*_: object) -> list[Architecture]:
    """In the place of a source: no candidates."""
    return []


VARIANTS: dict[str, Callable[..., AbstractContextManager[object]]] = {
    "all of it": nothing,
    "structure without latents": nothing,
    "whitened latents": nothing,
    "latents of the triplet checkpoint": nothing,
    "latents without structure": only_blocks(),
    "without counts": only_blocks("labels by place", "edges by place"),
    "without places": only_blocks("labels", "labels of edges"),
    "values instead of ranks": lambda: patch.object(beliefs, "rank_scale", linear_scale),
    "powers instead of ranks": lambda: patch.object(beliefs, "rank_scale", power_scale),
    "an ensemble of fits": lambda: patch.object(beliefs, "fit", fit_several),
    "the predictor as mean": lambda: patch.object(beliefs, "fit", fit_beside_predictor),
    "a random start": lambda: patch.object(proposer, "initial_design", random_start),
    "40 inducing points": lambda: patch.object(fitting, "MAX_INDUCING", 40),
    "sampled space": sampled(),
    "sampled space without edits": sampled(edited=nowhere),
    "sampled space with ascents": sampled(ASCENDING=STRATEGIES),
    "sampled space with ascents instead of edits": sampled(edited=nowhere, ASCENDING=STRATEGIES),
}
WHOLE = {name: "sampled space" if "sampled" in name else "all of it" for name in VARIANTS}
"""What each variant is to be compared with."""


def run(table: Table, variant: str, seed: int, evaluations: int, batch: int) -> list[int]:
    """One search with a part left out: the rows in the order of evaluation."""
    torch.set_num_threads(1)
    if variant == "latents of the triplet checkpoint":
        table = replace(table, checkpoint=f"{table.space}_triplet")
    autoencoder, values = open_table(table)
    # A pool lives as long as its autoencoder: every variant has its own.
    autoencoder = replace(autoencoder)
    if variant == "structure without latents":
        autoencoder = replace(autoencoder, autoencoder=WithoutLatents(autoencoder))
    if variant == "whitened latents":
        autoencoder = replace(autoencoder, autoencoder=Whitened(autoencoder))
    with VARIANTS[variant]():
        return search_table(autoencoder, values, table.direction, evaluations, batch, seed)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="file of measured architectures")
    parser.add_argument("--column", required=True, help="what is optimised")
    parser.add_argument("--space", default="nasbench201", help="the space of the file (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each variant (default: %(default)s)")
    parser.add_argument("--evaluations", type=int, default=100, help="evaluations a run (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1, help="architectures proposed at once (default: %(default)s)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="any of %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time, one core each (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    variants = options.variants.split(",")
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        parser.error(f"unknown variant '{unknown[0]}'; choose among {', '.join(VARIANTS)}")
    table = Table(options.data, options.column, options.space, "maximize", default_card(options.space).name)
    work = partial(run, table, evaluations=options.evaluations, batch=options.batch)
    found = run_all(table, work, variants, options.seeds, options.workers)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report(found)) + "\n")
    print(markdown(found))


if __name__ == "__main__":
    main()
